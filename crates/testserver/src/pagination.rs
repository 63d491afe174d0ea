//! DRF's paginators: which rows are on the page, and the links to its neighbours.

use rusqlite::types::Value as Sql;

use crate::cursor;
use crate::paginator::{Paginator, Style};
use crate::python;
use crate::query::{Parameters, remove_parameter, replace_parameter};
use crate::quirks::Quirk;
use crate::reply::Reply;
use crate::store::{Condition, Row, Select, Session};
use crate::table::{Table, Tables, quoted};

/// A page, before it is put into its envelope.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    pub(crate) count: Option<u64>,
    pub(crate) next: Option<String>,
    pub(crate) previous: Option<String>,
    /// The link to the page after this one, though it is empty.
    pub(crate) beyond: Option<String>,
    /// The token of the next page.
    pub(crate) token: Option<String>,
    /// The number of this page.
    pub(crate) number: Option<u64>,
    /// The rows of a full page.
    pub(crate) size: u64,
    /// The whole list, to a request that asked for no page.
    pub(crate) is_whole: bool,
}

/// All that a paginator looks at.
pub(crate) struct Listing<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) tables: &'a Tables,
    pub(crate) table: &'a Table,
    pub(crate) parameters: &'a Parameters,
    pub(crate) url: &'a str,
    pub(crate) conditions: Vec<Condition>,
    /// Ordering terms, from the request or the default of the table.
    pub(crate) ordering: Vec<String>,
    pub(crate) ordered_by_request: bool,
    pub(crate) quirks: &'a [Quirk],
}

impl Listing<'_> {
    pub(crate) fn page(self, paginator: Option<&Paginator>) -> Result<Page, Reply> {
        let mut page = match paginator.map(|paginator| (&paginator.style, paginator)) {
            None => Page {
                rows: self.select(None, 0)?,
                ..Page::default()
            },
            Some((_, paginator)) if paginator.on_request && !self.asks_for_a_page(paginator) => {
                Page {
                    rows: self.select(None, 0)?,
                    is_whole: true,
                    ..Page::default()
                }
            }
            Some((Style::Token, paginator)) => self.token(paginator)?,
            Some((Style::LimitOffset, paginator)) => self.limit_offset(paginator)?,
            Some((Style::PageNumber, paginator)) => self.page_number(paginator)?,
            Some((Style::Cursor { ordering }, paginator)) => {
                let size = self.size(paginator)?;
                let ordering = if self.ordered_by_request {
                    self.ordering.clone()
                } else {
                    ordering.clone()
                };
                cursor::page(&self, &ordering, size, &paginator.position_parameter)?
            }
        };
        self.hide_rows(&mut page)?;
        self.bend_links(&mut page);
        Ok(page)
    }

    fn asks_for_a_page(&self, paginator: &Paginator) -> bool {
        let size = paginator.size_parameter.as_deref();
        [Some(paginator.position_parameter.as_str()), size]
            .into_iter()
            .flatten()
            .any(|name| self.parameters.get(name).is_some())
    }

    fn token(&self, paginator: &Paginator) -> Result<Page, Reply> {
        let count = self.count()?;
        let size = self.capped(self.size(paginator)?);
        let name = &paginator.position_parameter;
        let offset = match self.parameters.get(name) {
            None => 0,
            Some(token) => token
                .strip_prefix("0:")
                .and_then(|rest| rest.strip_suffix(":0")?.parse().ok())
                .ok_or_else(|| Reply::detail(http::StatusCode::BAD_REQUEST, "Invalid token."))?,
        };
        let after = offset + size;
        let to = |offset: u64| format!("0:{offset}:0");
        let link = |offset: u64| replace_parameter(self.url, name, &to(offset));
        let more = after < count;
        Ok(Page {
            rows: self.select(Some(size), offset)?,
            count: Some(count),
            next: more.then(|| link(after)),
            previous: (offset > 0).then(|| link(offset.saturating_sub(size))),
            beyond: Some(link(after)),
            token: more.then(|| to(after)),
            size,
            ..Page::default()
        })
    }

    fn limit_offset(&self, paginator: &Paginator) -> Result<Page, Reply> {
        let count = self.count()?;
        let asked = self.size(paginator)?;
        let limit = self.capped(asked);
        let offset = self
            .parameters
            .get(&paginator.position_parameter)
            .and_then(python::int);
        // As wide as Python's, because the links echo it.
        let offset = offset.filter(|offset| *offset >= 0).unwrap_or(0);
        let within = u64::try_from(offset).ok().filter(|offset| *offset <= count);
        let rows = if let Some(offset) = within {
            let late = self
                .quirks
                .iter()
                .any(|quirk| matches!(quirk, Quirk::Overlap));
            self.select(Some(limit), offset.saturating_sub(late.into()))?
        } else {
            Vec::new()
        };
        let url = match &paginator.size_parameter {
            Some(name) => replace_parameter(self.url, name, &asked.to_string()),
            None => self.url.to_owned(),
        };
        let name = &paginator.position_parameter;
        let to = |offset: i128| replace_parameter(&url, name, &offset.to_string());
        let (after, before) = (
            offset.saturating_add(limit.into()),
            offset - i128::from(limit),
        );
        let next = (after < i128::from(count)).then(|| to(after));
        let previous = (offset > 0).then(|| match before {
            ..=0 => remove_parameter(&url, name),
            before => to(before),
        });
        Ok(Page {
            rows,
            count: Some(count),
            next,
            previous,
            size: limit,
            ..Page::default()
        })
    }

    fn page_number(&self, paginator: &Paginator) -> Result<Page, Reply> {
        let size = self.capped(self.size(paginator)?);
        let count = self.count()?;
        let pages = count.div_ceil(size.max(1)).max(1);
        let name = &paginator.position_parameter;
        let number = match self.parameters.get(name) {
            None | Some("") => Some(1),
            Some("last") => Some(pages),
            Some(text) => python::int(text).and_then(|number| u64::try_from(number).ok()),
        };
        let Some(number) = number.filter(|number| (1..=pages).contains(number)) else {
            return Err(Reply::detail(http::StatusCode::NOT_FOUND, "Invalid page."));
        };
        let late = self
            .quirks
            .iter()
            .any(|quirk| matches!(quirk, Quirk::Overlap));
        let rows = self.select(
            Some(size),
            ((number - 1) * size).saturating_sub(late.into()),
        )?;
        let to = |number: u64| replace_parameter(self.url, name, &number.to_string());
        let next = (number < pages).then(|| to(number + 1));
        let previous = (number > 1).then(|| match number {
            2 => remove_parameter(self.url, name),
            _ => to(number - 1),
        });
        Ok(Page {
            rows,
            count: Some(count),
            next,
            previous,
            number: Some(number),
            size,
            ..Page::default()
        })
    }

    /// The size of a page: what the request says where it may, silently lowered or refused.
    fn size(&self, paginator: &Paginator) -> Result<u64, Reply> {
        let asked = paginator
            .size_parameter
            .as_deref()
            .and_then(|name| self.parameters.get(name));
        match asked.and_then(python::int).filter(|size| *size > 0) {
            None => Ok(paginator.size),
            Some(size) => {
                let size = u64::try_from(size).unwrap_or(u64::MAX);
                let max = paginator.max_size.unwrap_or(u64::MAX);
                match paginator.refusal {
                    Some(status) if size > max => {
                        let message = format!("A page cannot have more than {max} rows.");
                        Err(Reply::detail(status, &message))
                    }
                    _ => Ok(size.min(max)),
                }
            }
        }
    }

    /// The size after [`Quirk::PageCap`].
    pub(crate) fn capped(&self, size: u64) -> u64 {
        self.quirks.iter().fold(size, |size, quirk| match quirk {
            Quirk::PageCap(cap) => size.min(*cap),
            _ => size,
        })
    }

    fn count(&self) -> Result<u64, Reply> {
        self.session
            .count(self.table, &self.conditions)
            .map_err(|_| Reply::broken())
    }

    fn select(&self, limit: Option<u64>, offset: u64) -> Result<Vec<Row>, Reply> {
        self.select_where(self.conditions.clone(), &self.ordering, limit, offset)
    }

    pub(crate) fn select_where(
        &self,
        conditions: Vec<Condition>,
        ordering: &[String],
        limit: Option<u64>,
        offset: u64,
    ) -> Result<Vec<Row>, Reply> {
        let order = crate::search::order_sql(self.tables, self.table, ordering);
        // SQLite counts rows in 64 bits with a sign.
        let limit = limit.map(|limit| limit.min(i64::MAX.unsigned_abs()));
        let select = Select {
            conditions,
            order,
            limit,
            offset,
        };
        self.session
            .rows(self.table, &select)
            .map_err(|_| Reply::broken())
    }

    /// [`Quirk::HideRows`]: takes rows off the page, and off the count.
    fn hide_rows(&self, page: &mut Page) -> Result<(), Reply> {
        for quirk in self.quirks {
            let Quirk::HideRows(keys) = quirk else {
                continue;
            };
            if let Some(position) = self.table.position(&self.table.key) {
                page.rows.retain(|row| {
                    !matches!(row.get(position), Some(Sql::Integer(key)) if keys.contains(key))
                });
            }
            if let Some(count) = &mut page.count {
                let sql = format!("t.{} BETWEEN ? AND ?", quoted(&self.table.key));
                let bounds = [Sql::Integer(*keys.start()), Sql::Integer(*keys.end())];
                let mut conditions = self.conditions.clone();
                conditions.push(Condition::new(sql, bounds));
                let hidden = self.session.count(self.table, &conditions);
                *count = count.saturating_sub(hidden.map_err(|_| Reply::broken())?);
            }
        }
        Ok(())
    }

    fn bend_links(&self, page: &mut Page) {
        for quirk in self.quirks {
            match quirk {
                Quirk::NextToItself => page.next = Some(self.url.to_owned()),
                Quirk::NoNext => page.next = None,
                Quirk::NoCount => page.count = None,
                Quirk::CountOffBy(error) => {
                    page.count = page.count.map(|count| count.saturating_add_signed(*error));
                }
                Quirk::LinkOrigin(origin) => {
                    for link in [&mut page.next, &mut page.previous].into_iter().flatten() {
                        *link = format!("{}{}", origin.trim_end_matches('/'), path_of(link));
                    }
                }
                Quirk::RelativeLinks => {
                    for link in [&mut page.next, &mut page.previous].into_iter().flatten() {
                        *link = path_of(link).to_owned();
                    }
                }
                _ => {}
            }
        }
    }
}

/// The path and query of an absolute URL.
fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |start| start + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    rest.find('/')
        .and_then(|start| rest.get(start..))
        .unwrap_or("/")
}
