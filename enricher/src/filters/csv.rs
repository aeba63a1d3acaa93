//! `csv`: a row of separated values becomes fields, in the way of Ruby's strict reader, which Logstash has.
//!
//! One row is read; what follows its end of line is ignored. A row that is broken only tags the event. Columns are
//! named by the pipeline, or, only where it asks for that, by the first row of each shop.

mod columns;
mod convert;
mod row;

use std::collections::HashMap;
use std::sync::Arc;

use event::{Event, FieldPath, Kind, NodeId};
use service::suggest::nearest;

use self::columns::{Column, Columns, Headers, is_header};
use self::convert::Conversion;
use self::row::{Dialect, Row};
use crate::field_reference::EscapeStyle;
use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, TextPairs, filter_options};

/// Tags of rows that cannot be read, of rows without a value, and of a first row that is no header for want of room.
const FAILURE: &str = "_csvparsefailure";
const EMPTY: &str = "_csvskippedemptyfield";
const TOO_MANY: &str = "_csv_too_many";
/// How a pipeline writes that no character is a quote, as its strings know no escapes.
const NUL_AS_WRITTEN: &str = "\\x00";

#[derive(Debug)]
struct Csv {
    source: FieldPath,
    target: Option<FieldPath>,
    dialect: Dialect,
    /// Those that the pipeline names.
    columns: Columns,
    /// By the names of columns.
    conversions: HashMap<String, Conversion>,
    /// How brackets are written in names that rows give.
    escape_style: EscapeStyle,
    /// Whether the first row of a shop names its columns.
    detects_names: bool,
    generates_names: bool,
    skip_empty_columns: bool,
    skip_empty_rows: bool,
    skip_header: bool,
}

struct CsvPlan(Arc<Csv>);

filter_options! {
    /// Makes fields of a row of separated values.
    ///
    /// Quotes are read in the strict way of Ruby, which Logstash has. One row is read; what follows
    /// its end of line is ignored. Without a `target` the row does not set `@metadata`, where the
    /// platform's words stand.
    ///
    /// With `autodetect_column_names` the first row that a partition gets of a shop names its columns
    /// and ends; all later ones of that shop have these, from whichever file or sender they come (see
    /// [filters that remember](../pipelines.md#filters-that-remember)). It is not stored: after a
    /// start, with a changed pipeline, or where a partition moves to another process, the next row is
    /// taken for the header, though it stands in the midst of a file. `[a][b]` in a header is a path,
    /// unless it begins with `@`. `dns` does not see these columns. A partition remembers 16 MiB of
    /// headers, and of one shop 2 MiB at most.
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
        /// Whether the first row of each shop names the columns, if `columns` names none.
        autodetect_column_names: bool = false,
        /// Whether columns without a value set no field.
        skip_empty_columns: bool = false,
        /// Whether rows without any value are only tagged.
        skip_empty_rows: bool = false,
        /// Whether each row that holds the columns' names is dropped; refused where neither
        /// `columns` nor `autodetect_column_names` names them.
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
        "_csv_too_many" => "the row would name columns, and there is no room for more headers; it is left alone",
    }
    example r#"csv { separator => ";" columns => ["id", "[shop][name]", "price"] convert => { "price" => "float" } }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = CsvOptions::read(options);
    let dialect = dialect(options, given.separator, &given.quote_char, environment);
    let conversions = conversions(options, given.convert.unwrap_or_default());
    let are_unnamed = given.columns.as_ref().map_or(!options.has("columns"), Vec::is_empty);
    let names = given.columns.unwrap_or_default();
    let columns = columns(options, names, given.target.as_ref(), &conversions);
    if given.autodetect_column_names {
        if environment.wants_warnings {
            warn_of_first_rows(options, are_unnamed);
        }
    } else if given.skip_header && are_unnamed {
        let message = "`skip_header` does not know the header";
        options.refuse("skip_header", message, "name the columns in `columns`");
    }
    Some(Arc::new(CsvPlan(Arc::new(Csv {
        source: given.source,
        target: given.target,
        dialect: dialect?,
        columns: columns?,
        conversions,
        escape_style: options.escape_style(),
        detects_names: given.autodetect_column_names && are_unnamed,
        generates_names: given.autogenerate_column_names,
        skip_empty_columns: given.skip_empty_columns,
        skip_empty_rows: given.skip_empty_rows,
        skip_header: given.skip_header,
    }))))
}

/// Says what names out of rows lead to, or that no row names anything.
fn warn_of_first_rows(options: &mut Options<'_>, rows_name: bool) {
    let span = options.span("autodetect_column_names");
    if rows_name {
        let message = "the first row of each shop that a partition gets names the columns and ends, \
                       after every start anew: it may be one in the midst of a file";
        let way_out = "name them in `columns`; `skip_header => true` drops the header's own line";
        options.warn_at(span, message, way_out);
    } else {
        options.warn_at(span, "`columns` names the columns, so no row does", "remove one of both");
    }
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
fn conversions(options: &mut Options<'_>, pairs: TextPairs) -> HashMap<String, Conversion> {
    let mut conversions = HashMap::new();
    for (key, to) in pairs {
        match Conversion::by_name(&to) {
            Some(conversion) => {
                conversions.insert(key.text, conversion);
            }
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

/// The columns that the pipeline names, with their conversions.
fn columns(
    options: &mut Options<'_>,
    names: Vec<String>,
    target: Option<&FieldPath>,
    conversions: &HashMap<String, Conversion>,
) -> Option<Columns> {
    let span = options.span("columns");
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let path = options.parse_field_at(&name, span)?;
        let is_path = name.contains('[');
        let path =
            is_path.then(|| target.map_or_else(|| path.clone(), |target| target.join(&path)));
        let conversion = conversions.get(&name).copied();
        columns.push(Some(Column { name, path, conversion }));
    }
    Some(columns)
}

impl FilterPlan for CsvPlan {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(Worker {
            plan: Arc::clone(&self.0),
            headers: Headers::default(),
            numbered: Vec::new(),
            row: Row::default(),
        })
    }

    fn keeps_state(&self) -> bool {
        self.0.detects_names
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Csv>,
    /// What first rows have named, where they do.
    headers: Headers,
    /// Columns that have a number for a name, as far as rows had any.
    numbered: Vec<Column>,
    /// Used again for every row.
    row: Row,
}

/// The row cannot be read, or something stands in its way.
struct Failed;

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, context: &mut FilterContext<'_>) -> Applied {
        if self.plan.detects_names && context.is_rehearsal() {
            // Which columns a row has is not known without its header.
            return Applied::NotMatched;
        }
        let source = event.get(&self.plan.source);
        let is_absent = |id: &NodeId| matches!(event.kind(*id), Kind::Null | Kind::False);
        let Some(source) = source.filter(|id| !is_absent(id)) else {
            return Applied::NotMatched;
        };
        self.expand(event, source, &context.record.shop).unwrap_or_else(|Failed| {
            event.add_tag(FAILURE);
            Applied::NotMatched
        })
    }
}

impl Worker {
    fn expand(&mut self, event: &mut Event, source: NodeId, shop: &str) -> Result<Applied, Failed> {
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
        let known = self.headers.of(shop);
        if plan.detects_names && known.is_none() {
            let columns = plan.named_by(&self.row);
            // A row without columns ends as one that names some, and the next one names them.
            if columns.is_empty() || self.headers.keep(shop, columns) {
                return Ok(Applied::Dropped);
            }
            event.add_tag(TOO_MANY);
            return Ok(Applied::NotMatched);
        }
        let named = known.unwrap_or(&plan.columns);
        if plan.skip_header && is_header(named, &self.row) {
            return Ok(Applied::Dropped);
        }
        plan.place(event, &self.row, named, &mut self.numbered)?;
        Ok(Applied::Matched)
    }
}

impl Csv {
    /// Puts a row's values where their columns say.
    fn place(
        &self,
        event: &mut Event,
        row: &Row,
        named: &[Option<Column>],
        numbered: &mut Vec<Column>,
    ) -> Result<(), Failed> {
        let mut members = Vec::new();
        for (place, cell) in row.cells().enumerate() {
            if self.skip_empty_columns && cell.is_none_or(str::is_empty) {
                continue;
            }
            let column = match named.get(place) {
                Some(Some(column)) => column,
                _ if self.generates_names => self.numbered(place, numbered),
                Some(None) => continue,
                None => break,
            };
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
        if members.is_empty() { Ok(()) } else { self.put(event, &members) }
    }

    /// The column of a place that has no other name.
    fn numbered<'c>(&self, place: usize, columns: &'c mut Vec<Column>) -> &'c Column {
        let numbers = columns.len() + 1..=place + 1;
        columns.extend(numbers.map(|number| {
            let name = format!("column{number}");
            let conversion = self.conversions.get(&name).copied();
            Column { name, path: None, conversion }
        }));
        &columns[place]
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
