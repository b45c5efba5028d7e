//! Finds lost packets out of those that came.

use std::collections::BTreeMap;

use rtc::rtp;

use super::{header::Protected, symbol::Symbol};
use crate::media::SeqNo;

/// How many numbers back packets are kept, and looked for. The most that a header names is 109.
const KEPT: i64 = 192;

/// **The most repair packets that wait for others; the oldest gives way.**
const WAITING: usize = 48;

/// A repair packet less the packets that are known: the sum of those that are missing.
#[derive(Debug)]
struct Equation {
    /// Ascending, never empty.
    missing: Vec<i64>,
    /// The one of these that no other equation has.
    pivot: i64,
    sum: Symbol,
}

impl Equation {
    fn add(&mut self, other: &Self) {
        self.sum.add(&other.sum);
        for index in &other.missing {
            match self.missing.binary_search(index) {
                Ok(place) => drop(self.missing.remove(place)),
                Err(place) => self.missing.insert(place, *index),
            }
        }
    }

    fn has(&self, index: i64) -> bool {
        self.missing.binary_search(&index).is_ok()
    }
}

/// Repairs one stream. Any repair packets of the draft's form will do, not ours alone.
#[derive(Debug)]
pub(super) struct Decoder {
    ssrc: u32,
    /// The header extension that is set after protection.
    numbered: Option<u8>,
    /// The newest number, counted without wrap.
    highest: Option<i64>,
    known: BTreeMap<i64, rtp::Packet>,
    /// In reduced form: no pivot is in two of them (Gauss and Jordan).
    equations: Vec<Equation>,
}

impl Decoder {
    pub(super) const fn new(ssrc: u32, numbered: Option<u8>) -> Self {
        Self { ssrc, numbered, highest: None, known: BTreeMap::new(), equations: Vec::new() }
    }

    /// Takes a packet of the stream; returns those that it made known.
    pub(super) fn media(&mut self, packet: &rtp::Packet) -> Vec<rtp::Packet> {
        let index = self.index(packet.header.sequence_number);
        if index <= self.oldest() || self.known.contains_key(&index) {
            return Vec::new();
        }
        self.know(index, packet.clone());
        let (with, without) = std::mem::take(&mut self.equations).into_iter().partition(|known| known.has(index));
        self.equations = without;
        let with: Vec<Equation> = with;
        if !with.is_empty()
            && let Some(symbol) = Symbol::of(packet, self.numbered)
        {
            for mut equation in with {
                equation.sum.add(&symbol);
                equation.missing.retain(|missing| *missing != index);
                self.insert(equation);
            }
        }
        self.solved()
    }

    /// Takes the payload of a repair packet; returns the packets that it made known.
    pub(super) fn repair(&mut self, payload: &[u8]) -> Vec<rtp::Packet> {
        let Some((protected, sum)) = Protected::read(payload).filter(|(protected, _)| protected.ssrc == self.ssrc)
        else {
            return Vec::new();
        };
        let base = self.index(protected.base);
        let named = (0..109).filter(|place| protected.mask >> place & 1 == 1).map(|place| base + place);
        let (known, missing): (Vec<i64>, Vec<i64>) = named.partition(|index| self.known.contains_key(index));
        // The usual case: nothing is lost.
        let Some(first) = missing.first().copied() else {
            return Vec::new();
        };
        if first <= self.oldest() || self.highest.is_some_and(|highest| base > highest + KEPT) {
            return Vec::new();
        }
        let mut equation = Equation { missing, pivot: first, sum };
        for packet in known.iter().filter_map(|index| self.known.get(index)) {
            let Some(symbol) = Symbol::of(packet, self.numbered) else {
                return Vec::new();
            };
            equation.sum.add(&symbol);
        }
        self.insert(equation);
        self.solved()
    }

    /// Counts a number on without wrap.
    fn index(&self, number: u16) -> i64 {
        match self.highest {
            Some(highest) => highest + i64::from(SeqNo(number).distance(SeqNo(highest as u16))),
            // Far from zero, so that packets from before the first one stay positive.
            None => (1 << 32) + i64::from(number),
        }
    }

    /// What is not above this is given up.
    fn oldest(&self) -> i64 {
        self.highest.map_or(0, |highest| highest - KEPT)
    }

    fn know(&mut self, index: i64, packet: rtp::Packet) {
        self.known.insert(index, packet);
        self.highest = self.highest.max(Some(index));
        let oldest = self.oldest();
        while self.known.first_key_value().is_some_and(|(index, _)| *index <= oldest) {
            self.known.pop_first();
        }
        self.equations.retain(|equation| equation.missing[0] > oldest);
    }

    /// Adds an equation to those in reduced form, if it says anything new.
    fn insert(&mut self, mut equation: Equation) {
        for known in &self.equations {
            if equation.has(known.pivot) {
                equation.add(known);
            }
        }
        let Some(pivot) = equation.missing.first() else {
            return;
        };
        equation.pivot = *pivot;
        for known in &mut self.equations {
            if known.has(equation.pivot) {
                known.add(&equation);
            }
        }
        if self.equations.len() == WAITING {
            self.equations.remove(0);
        }
        self.equations.push(equation);
    }

    /// Takes out the packets that are alone in an equation.
    fn solved(&mut self) -> Vec<rtp::Packet> {
        let mut packets = Vec::new();
        while let Some(place) = self.equations.iter().position(|equation| equation.missing.len() == 1) {
            let Equation { pivot, sum, .. } = self.equations.remove(place);
            if let Some(packet) = sum.packet(pivot as u16, self.ssrc, self.numbered) {
                // It is in no other equation.
                self.know(pivot, packet.clone());
                packets.push(packet);
            }
        }
        packets.sort_by_key(|packet| self.index(packet.header.sequence_number));
        packets
    }
}

#[cfg(test)]
impl Decoder {
    /// Returns how many packets and how many equations are kept.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.known.len(), self.equations.len())
    }
}
