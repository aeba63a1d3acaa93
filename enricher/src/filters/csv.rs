//! `csv`: a row of separated values becomes fields, in the way of Ruby's strict reader, which Logstash has.
//!
//! One row is read; what follows its end of line is ignored. A row that is broken only tags the event. Columns are
//! named by the pipeline, never by the events before: what becomes of an event depends on nothing else.

mod convert;
mod row;

use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};
use service::suggest::nearest;

use self::convert::Conversion;
use self::row::{Dialect, Row};
use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, TextPairs, filter_options};

/// Tags of rows that cannot be read, and of rows without a value.
const FAILURE: &str = "_csvparsefailure";
const EMPTY: &str = "_csvskippedemptyfield";
/// How a pipeline writes that no character is a quote, as its strings know no escapes.
const NUL_AS_WRITTEN: &str = "\\x00";

#[derive(Debug)]
struct Csv {
    source: FieldPath,
    target: Option<FieldPath>,
    dialect: Dialect,
    columns: Vec<Column>,
    /// Conversions of columns that the pipeline does not name, by number from 1.
    generated: Vec<(usize, Conversion)>,
    generates_names: bool,
    skip_empty_columns: bool,
    skip_empty_rows: bool,
    skip_header: bool,
}

/// A column with its name as it stands in a header.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    /// Where it goes, if it is not just a name.
    path: Option<FieldPath>,
    conversion: Option<Conversion>,
}

struct CsvPlan(Arc<Csv>);

filter_options! {
    /// Makes fields of a row of separated values.
    ///
    /// Quotes are read in the strict way of Ruby, which Logstash has. One row is read; what follows
    /// its end of line is ignored. Without a `target` the row does not set `@metadata`, where the
    /// platform's words stand.
    struct CsvOptions {
        /// The field that holds the row.
        source: FieldPath = "message",
        /// The field that gets the values.
        target: FieldPath => "default: the event itself",
        /// Names of the columns. `[a][b]` is a path.
        columns: Vec<String> => "default: `column1`, `column2` and so on",
        /// What stands between two values, a tab as itself.
        separator: String = ",",
        /// The character around values, `"\x00"` if there is none.
        quote_char: String = "\"",
        /// Whether columns beyond those that are named get the names `column4`, `column5` ...; else
        /// they are left out.
        autogenerate_column_names: bool = true,
        /// `true` is refused: what becomes of an event would depend on which one came first. Name
        /// the columns in `columns`; `skip_header => true` drops the header's own line.
        autodetect_column_names: bool = false,
        /// Whether columns without a value set no field.
        skip_empty_columns: bool = false,
        /// Whether rows without any value are only tagged.
        skip_empty_rows: bool = false,
        /// Whether the line that holds the names in `columns` is dropped; refused without `columns`.
        skip_header: bool = false,
        /// Columns with what becomes of their values: `integer`, `float`, `boolean`, `date`,
        /// `date_time`. What does not convert stays text.
        convert: TextPairs => "default: all are strings",
    }
    without_effect {
        /// Nothing that this filter does has another name in another mode.
        ecs_compatibility: EcsCompatibility,
    }
    tags {
        "_csvparsefailure" => "the row cannot be read, or something stands in the way of a field",
        "_csvskippedemptyfield" => "the row has no value, with `skip_empty_rows`",
    }
    example r#"csv { separator => ";" columns => ["id", "[shop][name]", "price"] convert => { "price" => "float" } }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = CsvOptions::read(options);
    if given.autodetect_column_names {
        let message = "names of columns are not taken from the first event: what becomes of an \
                       event would depend on which one came first";
        let way_out = "name them in `columns`; `skip_header => true` drops the header's own line";
        options.refuse("autodetect_column_names", message, way_out);
    }
    let dialect = dialect(options, given.separator, &given.quote_char, environment);
    let mut conversions = conversions(options, given.convert.unwrap_or_default());
    let names = given.columns.unwrap_or_default();
    let columns = columns(options, names, given.target.as_ref(), &mut conversions);
    if given.skip_header && !options.has("columns") {
        let message = "`skip_header` does not know the header";
        options.refuse("skip_header", message, "name the columns in `columns`");
    }
    let generated = conversions.into_iter().filter_map(|(name, conversion)| {
        Some((name.strip_prefix("column")?.parse().ok()?, conversion))
    });
    Some(Arc::new(CsvPlan(Arc::new(Csv {
        source: given.source,
        target: given.target,
        dialect: dialect?,
        columns: columns?,
        generated: generated.collect(),
        generates_names: given.autogenerate_column_names,
        skip_empty_columns: given.skip_empty_columns,
        skip_empty_rows: given.skip_empty_rows,
        skip_header: given.skip_header,
    }))))
}

fn dialect(
    options: &mut Options<'_>,
    separator: String,
    quote: &str,
    environment: &Environment,
) -> Option<Dialect> {
    let quote = if quote == NUL_AS_WRITTEN { "\0" } else { quote };
    let mut characters = quote.chars();
    let (Some(quote), None) = (characters.next(), characters.next()) else {
        let way_out =
            format!("write one character, or \"{NUL_AS_WRITTEN}\" if there are no quotes");
        options.refuse("quote_char", "`quote_char` is one character", way_out);
        return None;
    };
    let mistake = if separator.is_empty() {
        "the separator is empty"
    } else if separator == "\\t" {
        "`\\t` are two characters here"
    } else if separator.contains(['\r', '\n']) {
        "the separator holds an end of line"
    } else if separator.contains(quote) {
        "the separator holds the quote"
    } else {
        return Some(Dialect::new(separator, quote, environment.limits.nodes_max as usize));
    };
    options.refuse("separator", mistake, "write what stands between two values, a tab as itself");
    None
}

/// Conversions by the names of columns.
fn conversions(options: &mut Options<'_>, pairs: TextPairs) -> Vec<(String, Conversion)> {
    let mut conversions = Vec::new();
    for (key, to) in pairs {
        match Conversion::by_name(&to) {
            Some(conversion) => conversions.push((key.text, conversion)),
            None => {
                let names = Conversion::NAMES.map(|(name, _)| name);
                let way_out = match nearest(&to, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it is one of {}", names.join(", ")),
                };
                let message = format!("`convert` cannot make `{to}` of a column");
                options.refuse_at(key.span, message, way_out);
            }
        }
    }
    conversions
}

/// The columns with their conversions, which are taken away.
fn columns(
    options: &mut Options<'_>,
    names: Vec<String>,
    target: Option<&FieldPath>,
    conversions: &mut Vec<(String, Conversion)>,
) -> Option<Vec<Column>> {
    let span = options.span("columns");
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let path = options.parse_field_at(&name, span)?;
        let is_path = name.contains('[');
        let path =
            is_path.then(|| target.map_or_else(|| path.clone(), |target| target.join(&path)));
        let conversion = conversions.iter().find(|(of, _)| *of == name).map(|found| found.1);
        columns.push(Column { name, path, conversion });
    }
    conversions.retain(|(name, _)| !columns.iter().any(|column| column.name == *name));
    Some(columns)
}

impl FilterPlan for CsvPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let columns = self.0.columns.clone();
        Box::new(Worker { plan: Arc::clone(&self.0), columns, row: Row::default() })
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Csv>,
    /// Those of the plan, and those that have a number for a name, as far as rows had any.
    columns: Vec<Column>,
    /// Used again for every row.
    row: Row,
}

/// The row cannot be read, or something stands in its way.
struct Failed;

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let source = event.get(&self.plan.source);
        let is_absent = |id: &NodeId| matches!(event.kind(*id), Kind::Null | Kind::False);
        let Some(source) = source.filter(|id| !is_absent(id)) else {
            return Applied::NotMatched;
        };
        self.expand(event, source).unwrap_or_else(|Failed| {
            event.add_tag(FAILURE);
            Applied::NotMatched
        })
    }
}

impl Worker {
    fn expand(&mut self, event: &mut Event, source: NodeId) -> Result<Applied, Failed> {
        let plan = &*self.plan;
        let text = event.text(source).ok_or(Failed)?;
        let is_empty = text.is_empty();
        self.row.read(&text, &plan.dialect).map_err(|_| Failed)?;
        drop(text);
        if plan.skip_empty_rows && self.row.is_blank() {
            event.add_tag(EMPTY);
            return Ok(Applied::NotMatched);
        }
        if is_empty {
            return Err(Failed);
        }
        if plan.skip_header && self.is_header() {
            return Ok(Applied::Dropped);
        }
        self.place(event)?;
        Ok(Applied::Matched)
    }

    fn is_header(&self) -> bool {
        let names = self.plan.columns.iter().map(|column| Some(column.name.as_str()));
        self.row.cells().eq(names)
    }

    /// Puts the row's values where their columns say.
    fn place(&mut self, event: &mut Event) -> Result<(), Failed> {
        let plan = &*self.plan;
        let mut members = Vec::new();
        for (place, cell) in self.row.cells().enumerate() {
            if plan.skip_empty_columns && cell.is_none_or(str::is_empty) {
                continue;
            }
            if place >= plan.columns.len() && !plan.generates_names {
                break;
            }
            if place >= self.columns.len() {
                let numbers = self.columns.len() + 1..=place + 1;
                self.columns.extend(numbers.map(|number| plan.generate(number)));
            }
            let column = &self.columns[place];
            let value = match (cell, column.conversion) {
                (None, _) => event.new_null(),
                (Some(text), Some(conversion)) => conversion.value(event, text),
                (Some(text), None) => event.new_text(text),
            };
            match &column.path {
                Some(path) if !event.place(path, value) => return Err(Failed),
                Some(_) => {}
                None => {
                    event.rename_in_place(value, &column.name);
                    members.push(value);
                }
            }
        }
        if members.is_empty() { Ok(()) } else { plan.put(event, &members) }
    }
}

impl Csv {
    /// The column of a number from 1 that the pipeline does not name.
    fn generate(&self, number: usize) -> Column {
        let conversion = self.generated.iter().find(|(of, _)| *of == number);
        Column {
            name: format!("column{number}"),
            path: None,
            conversion: conversion.map(|(_, conversion)| *conversion),
        }
    }

    /// Puts values that have names into the target, else into the event.
    fn put(&self, event: &mut Event, members: &[NodeId]) -> Result<(), Failed> {
        let Some(target) = &self.target else {
            let fields = event.new_object();
            members.iter().for_each(|member| event.attach_as_is(fields, *member));
            event.take_fields(fields);
            return Ok(());
        };
        let object = match event.get(target).filter(|id| event.kind(*id) != Kind::Null) {
            Some(there) if event.kind(there) == Kind::Object => there,
            Some(_) => return Err(Failed),
            None => {
                let object = event.new_object();
                if !event.place(target, object) {
                    return Err(Failed);
                }
                object
            }
        };
        event.put_members(object, members);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
