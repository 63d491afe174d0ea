//! The tables behind the resources, and where in SQL a lookup path such as `author__name` is.

use std::collections::BTreeMap;

use crate::field::{Field, Kind};

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) key: String,
}

#[derive(Debug, Default)]
pub(crate) struct Tables(pub(crate) BTreeMap<String, Table>);

impl Table {
    /// A table of these fields; `None` when none of them is the primary key.
    pub(crate) fn new(name: &str, fields: Vec<Field>) -> Option<Self> {
        let key = fields.iter().find(|field| field.primary_key)?.name.clone();
        Some(Self {
            name: name.to_owned(),
            fields,
            key,
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The statements that make the table and its indexes.
    pub(crate) fn create_sql(&self) -> String {
        let columns = self.fields.iter().map(|field| {
            let kind = match field.kind {
                Kind::Integer { .. } if field.primary_key => "INTEGER PRIMARY KEY AUTOINCREMENT",
                Kind::Integer { .. } | Kind::Boolean => "INTEGER",
                Kind::Float => "REAL",
                Kind::Decimal { .. } => "NUMERIC",
                // The affinity of the key that it points to.
                Kind::ForeignKey { .. } | Kind::Link { .. } => "",
                _ if field.primary_key => "TEXT PRIMARY KEY",
                _ => "TEXT",
            };
            format!("{} {kind}", quoted(&field.name))
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let name = quoted(&self.name);
        let mut sql = format!("CREATE TABLE {name} ({columns});");
        // The indexes that Django makes. They also decide in which order SQLite finds rows that
        // an ordering leaves equal.
        for field in self.fields.iter().filter(|field| !field.primary_key) {
            let kind = match field.kind.target() {
                _ if field.unique => "UNIQUE INDEX",
                Some(_) => "INDEX",
                None => continue,
            };
            let index = quoted(&format!("{}.{}", self.name, field.name));
            let column = quoted(&field.name);
            sql.push_str(&format!("CREATE {kind} {index} ON {name} ({column});"));
        }
        sql
    }
}

impl Tables {
    pub(crate) fn get(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }

    /// The SQL and the field of a lookup path, counted from a row named `t`.
    pub(crate) fn resolve<'a>(
        &'a self,
        table: &'a Table,
        path: &str,
    ) -> Option<(String, &'a Field)> {
        self.resolve_from(table, "t", path, 1)
    }

    fn resolve_from<'a>(
        &'a self,
        table: &'a Table,
        alias: &str,
        path: &str,
        depth: u8,
    ) -> Option<(String, &'a Field)> {
        let (first, rest) = path
            .split_once("__")
            .map_or((path, None), |(a, b)| (a, Some(b)));
        let first = if first == "pk" { &table.key } else { first };
        let field = table.field(first)?;
        let column = format!("{alias}.{}", quoted(&field.name));
        let Some(rest) = rest else {
            return Some((column, field));
        };
        match &field.kind {
            Kind::Nested { fields } => {
                let (json_path, field) = resolve_nested(fields, rest)?;
                Some((format!("json_extract({column}, '$.{json_path}')"), field))
            }
            kind => {
                let target = self.get(kind.target()?.0)?;
                let inner = format!("r{depth}");
                let (value, field) = self.resolve_from(target, &inner, rest, depth + 1)?;
                let sql = format!(
                    "(SELECT {value} FROM {} AS {inner} WHERE {inner}.{} = {column})",
                    quoted(&target.name),
                    quoted(&target.key)
                );
                Some((sql, field))
            }
        }
    }
}

fn resolve_nested<'a>(fields: &'a [Field], path: &str) -> Option<(String, &'a Field)> {
    let (first, rest) = path
        .split_once("__")
        .map_or((path, None), |(a, b)| (a, Some(b)));
    let field = fields.iter().find(|field| field.name == first)?;
    let step = format!("\"{}\"", field.name.replace('\'', "''"));
    match (rest, &field.kind) {
        (None, _) => Some((step, field)),
        (Some(rest), Kind::Nested { fields }) => {
            let (below, field) = resolve_nested(fields, rest)?;
            Some((format!("{step}.{below}"), field))
        }
        (Some(_), _) => None,
    }
}

/// An SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
