//! Sound between device and codec: devices, rings, sample rates.
