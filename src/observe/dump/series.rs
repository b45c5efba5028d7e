//! The statistics as series: one for each member of each object, with a point a report.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{date::iso, rates::worked_out};

/// How many points a series has at most. With one a second that is an hour; then every second point goes and from then
/// on only every second report adds one, until a point is kept of every [`WIDEST`] reports.
pub(super) const POINTS: usize = 3600;

/// The fewest points: one of so many reports. Readers show series with holes of more than five seconds as separate
/// dots, so beyond this the oldest points go instead, a quarter at a time.
pub(super) const WIDEST: usize = 4;

/// Of how many objects there are series at most. Those that were not renewed for the longest time go first.
pub(super) const REPORTS: usize = 256;

/// The series of everything there are statistics of.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    tables: BTreeMap<String, Table>,
    /// The newest time of all, in milliseconds since 1970.
    newest: f64,
}

/// The series of one object.
#[derive(Clone, Debug)]
struct Table {
    /// Its type.
    kind: String,
    times: Vec<f64>,
    columns: BTreeMap<String, Column>,
    /// How it was in the newest report, whether or not that added a point.
    latest: Map<String, Value>,
    latest_at: f64,
    /// One of how many reports adds a point.
    stride: usize,
    /// How many reports more add none.
    rest: usize,
}

/// One series. Most hardly ever change, so it is kept as values and how often they follow on themselves.
#[derive(Clone, Debug, Default)]
struct Column {
    /// The point of its table that is its first.
    first: usize,
    /// The point after its last.
    end: usize,
    runs: Vec<(Value, usize)>,
}

impl Series {
    pub(super) fn take(&mut self, report: &Map<String, Value>) {
        for (id, stats) in report {
            let Value::Object(stats) = stats else { continue };
            let kind = stats.get("type").and_then(Value::as_str);
            let at = stats.get("timestamp").and_then(Value::as_f64);
            if let (Some(kind), Some(at), false) = (kind, at, id.contains('[')) {
                self.newest = self.newest.max(at);
                self.tables.entry(id.clone()).or_insert_with(|| Table::new(kind)).take(at, stats, report);
            }
        }
        while self.tables.len() > REPORTS {
            let oldest = self.tables.iter().min_by(|(_, a), (_, b)| a.latest_at.total_cmp(&b.latest_at));
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
            self.tables.remove(&id);
        }
    }

    pub(super) fn newest(&self) -> f64 {
        self.newest
    }

    /// Readers lay a series that is shorter than its object's times against their end: it began later. So every series
    /// ends with them.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for (id, table) in &self.tables {
            for (name, column) in &table.columns {
                if let Some((first, values)) = column.written() {
                    all.insert(format!("{id}-{name}"), table.entry(first, values));
                }
            }
            all.insert(format!("{id}-timestamp"), table.entry(0, json!(table.times).to_string()));
        }
        all
    }
}

impl Table {
    fn new(kind: &str) -> Self {
        Self {
            kind: kind.into(),
            times: Vec::new(),
            columns: BTreeMap::new(),
            latest: Map::new(),
            latest_at: f64::NEG_INFINITY,
            stride: 1,
            rest: 0,
        }
    }

    fn take(&mut self, at: f64, stats: &Map<String, Value>, report: &Map<String, Value>) {
        if at <= self.latest_at {
            return;
        }
        let worked_out = worked_out(&self.kind, &self.latest, stats, report);
        self.latest = stats.clone();
        self.latest_at = at;
        if self.rest > 0 {
            self.rest -= 1;
            return;
        }
        self.add(at, stats, worked_out);
        if self.times.len() == POINTS {
            self.thin();
        }
        self.rest = self.stride - 1;
    }

    fn add(&mut self, at: f64, stats: &Map<String, Value>, worked_out: Vec<(String, Value)>) {
        let point = self.times.len();
        self.times.push(at);
        let own = stats.iter().filter(|(name, value)| {
            !value.is_null() && !["id", "timestamp"].contains(&name.as_str()) && !name.contains(['-', '['])
        });
        for (name, value) in own.map(|(name, value)| (name.clone(), value.clone())).chain(worked_out) {
            self.columns.entry(name).or_insert_with(|| Column::from(point)).push(value);
        }
        for column in self.columns.values_mut().filter(|column| column.end == point) {
            column.push(Value::Null);
        }
    }

    fn thin(&mut self) {
        let newest = self.times.len() - 1;
        if self.stride < WIDEST {
            self.stride *= 2;
            self.keep(|point| (newest - point).is_multiple_of(2));
        } else {
            self.keep(|point| point >= POINTS / 4);
        }
    }

    fn keep(&mut self, kept: impl Fn(usize) -> bool) {
        for column in self.columns.values_mut() {
            *column = column.kept(&kept);
        }
        let mut point = 0..;
        self.times.retain(|_| point.next().is_some_and(&kept));
    }

    fn entry(&self, first: usize, values: String) -> Value {
        let time = |point: Option<&f64>| iso(point.copied().unwrap_or_default());
        json!({
            "startTime": time(self.times.get(first)),
            "endTime": time(self.times.last()),
            "statsType": self.kind,
            "values": values,
        })
    }
}

impl Column {
    fn from(first: usize) -> Self {
        Self { first, end: first, runs: Vec::new() }
    }

    fn push(&mut self, value: Value) {
        self.end += 1;
        match self.runs.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => self.runs.push((value, 1)),
        }
    }

    fn kept(&self, kept: impl Fn(usize) -> bool) -> Self {
        let mut column = Self::from((0..self.first).filter(|point| kept(*point)).count());
        let values = self.runs.iter().flat_map(|(value, count)| std::iter::repeat_n(value, *count));
        for (_, value) in (self.first..).zip(values).filter(|(point, _)| kept(*point)) {
            column.push(value.clone());
        }
        column
    }

    /// The point it begins with and its values as a JSON array. Readers tell by the first value whether it can be
    /// drawn, so it begins where it has one; it is nothing if it has none.
    fn written(&self) -> Option<(usize, String)> {
        let empty = self.runs.first().filter(|(value, _)| value.is_null()).map_or(0, |(_, count)| *count);
        let values = self.runs.iter().skip(usize::from(empty > 0));
        let texts: Vec<_> = values
            .map(|(value, count)| (value.to_string(), *count))
            .flat_map(|(text, count)| std::iter::repeat_n(text, count))
            .collect();
        (!texts.is_empty()).then(|| (self.first + empty, format!("[{}]", texts.join(","))))
    }
}

#[cfg(test)]
mod tests;
