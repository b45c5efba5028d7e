// Where the two sides of a call meet: on this machine.

import { networkInterfaces } from 'node:os';

/**
 * An address of this machine that is none of the loopback's, if it has one: Firefox knows no other, and gives up after
 * five seconds where the other side names nothing else.
 */
export const ADDRESS = Object.values(networkInterfaces()).flat()
  .find(({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'))?.address ?? '127.0.0.1';
