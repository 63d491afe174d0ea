//! The rows: one SQLite table for each table of the site, in memory. Filtering and ordering are
//! SQL, with the very expressions that Django's SQLite backend uses.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

use crate::field::OnDelete;
use crate::table::{Table, Tables, quoted};

/// The values of a row, in the order of the table's fields.
pub(crate) type Row = Vec<Sql>;

/// Some values of a row, by field.
pub(crate) type Values = Vec<(String, Sql)>;

/// A part of a WHERE clause, with its values.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Sql>,
}

impl Condition {
    pub(crate) fn new(sql: impl Into<String>, values: impl IntoIterator<Item = Sql>) -> Self {
        Self {
            sql: sql.into(),
            values: values.into_iter().collect(),
        }
    }

    /// A column of the row `t` that has this value.
    pub(crate) fn equals(column: &str, value: Sql) -> Self {
        Self::new(format!("t.{} = ?", quoted(column)), [value])
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Select {
    pub(crate) conditions: Vec<Condition>,
    /// SQL terms of ORDER BY.
    pub(crate) order: Vec<String>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

/// Exclusive use of the rows, so that a check and the write that it permits are one step.
pub(crate) struct Session<'a> {
    connection: MutexGuard<'a, Connection>,
    tables: &'a Tables,
}

impl Store {
    pub(crate) fn open(tables: &Tables) -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(128);
        add_regexp(&connection)?;
        for table in tables.0.values() {
            connection.execute_batch(&table.create_sql())?;
        }
        Ok(Self {
            connection: Mutex::new(connection),
        })
    }

    pub(crate) fn session<'a>(&'a self, tables: &'a Tables) -> Session<'a> {
        let connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Session { connection, tables }
    }
}

impl Session<'_> {
    pub(crate) fn rows(&self, table: &Table, select: &Select) -> rusqlite::Result<Vec<Row>> {
        let mut sql = format!("SELECT t.* FROM {} AS t", quoted(&table.name));
        let values = add_where(&mut sql, &select.conditions);
        if !select.order.is_empty() {
            sql.push_str(" ORDER BY ");
            sql.push_str(&select.order.join(", "));
        }
        if select.limit.is_some() || select.offset > 0 {
            let limit = select
                .limit
                .map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
            sql.push_str(&format!(" LIMIT {limit} OFFSET {}", select.offset));
        }
        let mut statement = self.connection.prepare_cached(&sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map(params_from_iter(values), |row| {
            (0..columns).map(|index| row.get(index)).collect()
        })?;
        rows.collect()
    }

    pub(crate) fn count(&self, table: &Table, conditions: &[Condition]) -> rusqlite::Result<u64> {
        let mut sql = format!("SELECT COUNT(*) FROM {} AS t", quoted(&table.name));
        let values = add_where(&mut sql, conditions);
        let count = self
            .connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        Ok(count.unsigned_abs())
    }

    pub(crate) fn find(
        &self,
        table: &Table,
        column: &str,
        value: Sql,
    ) -> rusqlite::Result<Option<Row>> {
        let conditions = vec![Condition::equals(column, value)];
        let select = Select {
            conditions,
            limit: Some(1),
            ..Select::default()
        };
        Ok(self.rows(table, &select)?.pop())
    }

    /// Inserts a row and gives its primary key.
    pub(crate) fn insert(&self, table: &Table, values: Values) -> rusqlite::Result<Sql> {
        let columns = values
            .iter()
            .map(|(name, _)| quoted(name))
            .collect::<Vec<_>>()
            .join(", ");
        let marks = vec!["?"; values.len()].join(", ");
        let (name, key) = (quoted(&table.name), quoted(&table.key));
        let sql = if values.is_empty() {
            format!("INSERT INTO {name} DEFAULT VALUES RETURNING {key}")
        } else {
            format!("INSERT INTO {name} ({columns}) VALUES ({marks}) RETURNING {key}")
        };
        let values = params_from_iter(values.into_iter().map(|(_, value)| value));
        self.connection
            .prepare_cached(&sql)?
            .query_row(values, |row| row.get(0))
    }

    pub(crate) fn update(&self, table: &Table, key: &Sql, values: Values) -> rusqlite::Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        let changes = values
            .iter()
            .map(|(name, _)| format!("{} = ?", quoted(name)));
        let sql = format!(
            "UPDATE {} SET {} WHERE {} = ?",
            quoted(&table.name),
            changes.collect::<Vec<_>>().join(", "),
            quoted(&table.key)
        );
        let values = values
            .into_iter()
            .map(|(_, value)| value)
            .chain([key.clone()]);
        self.connection
            .prepare_cached(&sql)?
            .execute(params_from_iter(values))?;
        Ok(())
    }

    /// Deletes a row, and does to the rows that point to it what their fields say.
    pub(crate) fn delete(&self, table: &Table, key: &Sql) -> rusqlite::Result<()> {
        for other in self.tables.0.values() {
            for field in &other.fields {
                let Some((_, on_delete)) = field
                    .kind
                    .target()
                    .filter(|(target, _)| *target == table.name)
                else {
                    continue;
                };
                let conditions = vec![Condition::equals(&field.name, key.clone())];
                for row in self.rows(
                    other,
                    &Select {
                        conditions,
                        ..Select::default()
                    },
                )? {
                    let Some(other_key) = other
                        .position(&other.key)
                        .and_then(|position| row.get(position))
                    else {
                        continue;
                    };
                    match on_delete {
                        OnDelete::Cascade => self.delete(other, other_key)?,
                        OnDelete::SetNull => {
                            self.update(other, other_key, vec![(field.name.clone(), Sql::Null)])?;
                        }
                    }
                }
            }
        }
        let sql = format!(
            "DELETE FROM {} WHERE {} = ?",
            quoted(&table.name),
            quoted(&table.key)
        );
        self.connection.prepare_cached(&sql)?.execute([key])?;
        Ok(())
    }

    /// Deletes every row of every table and starts the counters of the primary keys again.
    pub(crate) fn clear(&self) -> rusqlite::Result<()> {
        for table in self.tables.0.values() {
            self.connection
                .execute_batch(&format!("DELETE FROM {}", quoted(&table.name)))?;
        }
        let counters = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'sqlite_sequence'";
        if self
            .connection
            .query_row(counters, [], |row| row.get::<_, i64>(0))?
            > 0
        {
            self.connection
                .execute_batch("DELETE FROM sqlite_sequence")?;
        }
        Ok(())
    }
}

fn add_where(sql: &mut String, conditions: &[Condition]) -> Vec<Sql> {
    let mut values = Vec::new();
    for (index, condition) in conditions.iter().enumerate() {
        sql.push_str(if index == 0 { " WHERE (" } else { " AND (" });
        sql.push_str(&condition.sql);
        sql.push(')');
        values.extend(condition.values.iter().cloned());
    }
    values
}

/// Django's `REGEXP`: a search anywhere in the text; NULL matches nothing.
fn add_regexp(connection: &Connection) -> rusqlite::Result<()> {
    let compiled = Mutex::new(HashMap::<String, Regex>::new());
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("regexp", 2, flags, move |context| {
        let pattern = context.get::<String>(0)?;
        let Some(text) = context.get::<Option<String>>(1)? else {
            return Ok(false);
        };
        let mut compiled = compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = compiled.get(&pattern) {
            return Ok(regex.is_match(&text));
        }
        let regex = Regex::new(&pattern)
            .map_err(|error| rusqlite::Error::UserFunctionError(Box::new(error)))?;
        let matches = regex.is_match(&text);
        compiled.insert(pattern, regex);
        Ok(matches)
    })
}
