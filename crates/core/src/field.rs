//! Typed names of a model's fields: what `User::F.name` is, and the lookups that a field of its type has.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::Serialize;
use serde_json::Value;

use crate::{
    filter::Filter,
    filter::Q,
    lookup::{Lookup, Op, Transform},
    model::Schema,
    plan::{Assignment, OrderBy},
};

/// The name of a field of the model `M` whose value has the type `T`.
///
/// `#[derive(ApiModel)]` makes one for every field, under `User::F`. The lookups that a field has follow from traits on
/// `T`: [`Ordered`], [`Textual`], [`Dated`]; a type of your own gets them with one `impl` line.
pub struct Field<M, T> {
    path: Cow<'static, str>,
    /// The path in the bodies of writes, where that is another one.
    sent: Option<Cow<'static, str>>,
    of: PhantomData<fn() -> (M, T)>,
}

impl<M, T> Field<M, T> {
    /// The field with this wire name. The derive calls it; by hand it is rarely needed.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            path: Cow::Borrowed(name),
            sent: None,
            of: PhantomData,
        }
    }

    /// The field that has the first name in rows and filters, and the second in bodies.
    #[must_use]
    pub const fn renamed(read_as: &'static str, sent_as: &'static str) -> Self {
        Self {
            path: Cow::Borrowed(read_as),
            sent: Some(Cow::Borrowed(sent_as)),
            of: PhantomData,
        }
    }

    /// The name in rows and filters; parts of a nested path are joined with `__`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name in the bodies of writes.
    #[must_use]
    pub fn sent_path(&self) -> &str {
        self.sent.as_deref().unwrap_or(&self.path)
    }

    /// A field of the object nested in this field: `User::F.address.to(Address::F.state)` is `address__state`.
    #[must_use]
    pub fn to<N: Schema, U>(self, inner: Field<N, U>) -> Field<M, U>
    where
        T: Nested<N>,
    {
        Field {
            path: Cow::Owned(format!("{}__{}", self.path, inner.path)),
            sent: (self.sent.is_some() || inner.sent.is_some())
                .then(|| Cow::Owned(format!("{}__{}", self.sent_path(), inner.sent_path()))),
            of: PhantomData,
        }
    }

    /// The same field, whose values may be null: `Post::F.editor.to(User::F.name).nullable()`, where the editor may be.
    #[must_use]
    pub fn nullable(self) -> Field<M, Option<T>> {
        Field {
            path: self.path,
            sent: self.sent,
            of: PhantomData,
        }
    }

    /// Equal to the value; `None` means "is null".
    #[must_use]
    pub fn eq<V: Operand<T>>(self, value: V) -> Filter<M> {
        self.compare(Op::Exact, value)
    }

    /// Not equal to the value. As with Django's `exclude`, a null is not equal to any value, so null rows are included.
    #[must_use]
    pub fn ne<V: Operand<T>>(self, value: V) -> Filter<M> {
        !self.eq(value)
    }

    /// Equal to one of the values. An empty list matches no row and costs no request.
    #[must_use]
    pub fn in_<V: Operand<T>>(self, values: impl IntoIterator<Item = V>) -> Filter<M> {
        let values = values
            .into_iter()
            .map(Operand::into_operand)
            .collect::<Result<Vec<_>, _>>();
        Filter::of(self.path.into_owned(), Op::In, values.map(Value::Array))
    }

    /// Is null (`true`), or is not (`false`).
    #[must_use]
    pub fn isnull(self, is_null: bool) -> Filter<M> {
        Filter::of(self.path.into_owned(), Op::IsNull, Ok(Value::Bool(is_null)))
    }

    /// The value to write into this field: `User::F.name.set("Alice")`. A part of an object that has one name when it is
    /// read and another when it is sent cannot be written alone: that is an `InvalidRequest` of the write.
    #[must_use]
    pub fn set<V: Operand<T>>(self, value: V) -> Assignment<M> {
        let value = match &self.sent {
            Some(sent) if self.path.contains("__") => Err(format!(
                "it is read as `{}` and sent as `{sent}`, so it cannot be written alone: set the whole object",
                self.path
            )),
            _ => value.into_operand(),
        };
        Assignment::new(self.sent_path().to_owned(), value)
    }

    /// Ascending order by this field.
    #[must_use]
    pub fn asc(self) -> OrderBy<M> {
        OrderBy::ascending(self.path.into_owned())
    }

    /// Descending order by this field.
    #[must_use]
    pub fn desc(self) -> OrderBy<M> {
        OrderBy::descending(self.path.into_owned())
    }

    fn compare<V: Operand<T>>(self, op: Op, value: V) -> Filter<M> {
        Filter::of(self.path.into_owned(), op, value.into_operand())
    }
}

impl<M, T> Field<M, T> {
    /// Greater than the value.
    #[must_use]
    pub fn gt<V: Operand<T>>(self, value: V) -> Filter<M>
    where
        T: Ordered,
    {
        self.compare(Op::Gt, value)
    }

    /// Greater than the value, or equal to it.
    #[must_use]
    pub fn gte<V: Operand<T>>(self, value: V) -> Filter<M>
    where
        T: Ordered,
    {
        self.compare(Op::Gte, value)
    }

    /// Less than the value.
    #[must_use]
    pub fn lt<V: Operand<T>>(self, value: V) -> Filter<M>
    where
        T: Ordered,
    {
        self.compare(Op::Lt, value)
    }

    /// Less than the value, or equal to it.
    #[must_use]
    pub fn lte<V: Operand<T>>(self, value: V) -> Filter<M>
    where
        T: Ordered,
    {
        self.compare(Op::Lte, value)
    }

    /// Between the two values, both included.
    #[must_use]
    pub fn range<V: Operand<T>, W: Operand<T>>(self, low: V, high: W) -> Filter<M>
    where
        T: Ordered,
    {
        let bounds = low
            .into_operand()
            .and_then(|low| Ok(Value::Array(vec![low, high.into_operand()?])));
        Filter::of(self.path.into_owned(), Op::Range, bounds)
    }
}

impl<M, T> Field<M, T> {
    fn text(self, op: Op, text: &str) -> Filter<M>
    where
        T: Textual,
    {
        Filter::of(
            self.path.into_owned(),
            op,
            Ok(Value::String(text.to_owned())),
        )
    }

    /// Equal, ignoring case.
    #[must_use]
    pub fn iexact(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::IExact, text.as_ref())
    }

    /// Contains the text.
    #[must_use]
    pub fn contains(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::Contains, text.as_ref())
    }

    /// Contains the text, ignoring case.
    #[must_use]
    pub fn icontains(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::IContains, text.as_ref())
    }

    /// Starts with the text.
    #[must_use]
    pub fn startswith(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::StartsWith, text.as_ref())
    }

    /// Starts with the text, ignoring case.
    #[must_use]
    pub fn istartswith(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::IStartsWith, text.as_ref())
    }

    /// Ends with the text.
    #[must_use]
    pub fn endswith(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::EndsWith, text.as_ref())
    }

    /// Ends with the text, ignoring case.
    #[must_use]
    pub fn iendswith(self, text: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::IEndsWith, text.as_ref())
    }

    /// Matches the regular expression somewhere in the text.
    #[must_use]
    pub fn regex(self, pattern: impl AsRef<str>) -> Filter<M>
    where
        T: Textual,
    {
        self.text(Op::Regex, pattern.as_ref())
    }
}

impl<M, T> Field<M, T> {
    fn part(self, transform: Transform, value: Value) -> Filter<M>
    where
        T: Dated,
    {
        Filter::from_q(Q::Lookup(Lookup {
            path: self.path.into_owned(),
            transform: Some(transform),
            op: Op::Exact,
            value,
        }))
    }

    /// Lies in the year. For comparisons of parts use [`Filter::lookup`]: `lookup("created_at__year__gte", 2020)`.
    #[must_use]
    pub fn year(self, year: i32) -> Filter<M>
    where
        T: Dated,
    {
        self.part(Transform::Year, year.into())
    }

    /// Lies in the month, 1 to 12, of any year.
    #[must_use]
    pub fn month(self, month: u32) -> Filter<M>
    where
        T: Dated,
    {
        self.part(Transform::Month, month.into())
    }

    /// Lies on the day of the month, 1 to 31, of any month.
    #[must_use]
    pub fn day(self, day: u32) -> Filter<M>
    where
        T: Dated,
    {
        self.part(Transform::Day, day.into())
    }

    /// Lies on the calendar date, in the time zone in which the server writes the value.
    #[must_use]
    pub fn date(self, date: chrono::NaiveDate) -> Filter<M>
    where
        T: Dated,
    {
        self.part(Transform::Date, date.to_string().into())
    }
}

impl<M, T> Clone for Field<M, T> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            sent: self.sent.clone(),
            of: PhantomData,
        }
    }
}

impl<M, T> fmt::Debug for Field<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.path).finish()
    }
}

/// A value that can be compared with, or written into, a field of the type `T`.
///
/// `T` itself, `&T`, a bare `T` for an `Option<T>`, and `&str` for `String`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{T}` cannot be compared with or set to `{Self}`",
    label = "expected a value for a field of type `{T}`"
)]
pub trait Operand<T> {
    /// The value in JSON.
    ///
    /// # Errors
    /// The reason why the value has no JSON form: a NaN, an infinity, a map with keys that are not strings.
    fn into_operand(self) -> Result<Value, String>;
}

fn to_operand<T: Serialize + ?Sized>(value: &T) -> Result<Value, String> {
    crate::value::to_json(value).map_err(|error| error.to_string())
}

impl<T: Serialize> Operand<T> for T {
    fn into_operand(self) -> Result<Value, String> {
        to_operand(&self)
    }
}

impl<T: Serialize> Operand<T> for &T {
    fn into_operand(self) -> Result<Value, String> {
        to_operand(self)
    }
}

impl<T: Serialize> Operand<Option<T>> for T {
    fn into_operand(self) -> Result<Value, String> {
        to_operand(&self)
    }
}

impl<T: Serialize> Operand<Option<T>> for &T {
    fn into_operand(self) -> Result<Value, String> {
        to_operand(self)
    }
}

impl Operand<String> for &str {
    fn into_operand(self) -> Result<Value, String> {
        Ok(Value::String(self.to_owned()))
    }
}

impl Operand<Option<String>> for &str {
    fn into_operand(self) -> Result<Value, String> {
        Ok(Value::String(self.to_owned()))
    }
}

/// A field type whose values have an order: it gets `gt gte lt lte range`.
#[diagnostic::on_unimplemented(
    message = "fields of type `{Self}` have no order",
    note = "`gt gte lt lte range` need numbers, text, dates or times; for a type of yours: `impl Ordered for {Self} {{}}`"
)]
pub trait Ordered {}

/// A field type whose values are text: it gets `contains startswith endswith iexact regex` and their kin.
#[diagnostic::on_unimplemented(
    message = "fields of type `{Self}` are not text",
    note = "`contains startswith endswith iexact regex` need text; for a type of yours: `impl Textual for {Self} {{}}`"
)]
pub trait Textual {}

/// A field type whose values are dates: it gets `year month day date`.
#[diagnostic::on_unimplemented(
    message = "fields of type `{Self}` are not dates",
    note = "`year month day date` need a `chrono` date or time; for a type of yours: `impl Dated for {Self} {{}}`"
)]
pub trait Dated {}

/// A field type that holds objects of the schema `N`: the object itself, an `Option`, `Box` or `Vec` of it.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` holds no `{N}`",
    note = "`.to(..)` follows a nested object; for a related row given as an id use `Filter::lookup(\"author__name\", ..)`"
)]
pub trait Nested<N> {}

/// What a row has of the rows that point at it, for filters: `User::F.posts.to(Post::F.title).eq("Hello")` is Django's
/// `posts__title="Hello"`, a user with such a post.
pub struct Back<N>(PhantomData<fn() -> N>);

impl<N: Schema> Nested<N> for Back<N> {}
impl<N: Schema> Nested<N> for N {}
impl<N: Schema> Nested<N> for Option<N> {}
impl<N: Schema> Nested<N> for Box<N> {}
impl<N: Schema> Nested<N> for Option<Box<N>> {}
impl<N: Schema> Nested<N> for Vec<N> {}
impl<N: Schema> Nested<N> for Option<Vec<N>> {}

macro_rules! mark {
    ($marker:ident: $($t:ty),* $(,)?) => { $(impl $marker for $t {})* };
}

mark!(Ordered: i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, String, char);
mark!(Ordered: chrono::NaiveDate, chrono::NaiveTime, chrono::NaiveDateTime, rust_decimal::Decimal, uuid::Uuid);
mark!(Textual: String, Cow<'static, str>, Box<str>);
mark!(Dated: chrono::NaiveDate, chrono::NaiveDateTime);

impl<Tz: chrono::TimeZone> Ordered for chrono::DateTime<Tz> {}
impl<Tz: chrono::TimeZone> Dated for chrono::DateTime<Tz> {}
impl<T: Ordered> Ordered for Option<T> {}
impl<T: Textual> Textual for Option<T> {}
impl<T: Dated> Dated for Option<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct User;
    #[derive(Debug)]
    struct Address;

    impl Schema for User {
        const NAME: &'static str = "User";
        fn fields() -> Vec<crate::model::FieldMeta> {
            Vec::new()
        }
    }

    impl Schema for Address {
        const NAME: &'static str = "Address";
        fn fields() -> Vec<crate::model::FieldMeta> {
            Vec::new()
        }
    }

    fn field<T>(name: &'static str) -> Field<User, T> {
        Field::new(name)
    }

    #[test]
    fn operands_need_no_annotation() {
        assert_eq!(field::<i64>("id").eq(1).to_string(), "id=1");
        assert_eq!(field::<Option<i64>>("age").eq(1).to_string(), "age=1");
        assert_eq!(field::<Option<i64>>("age").eq(None).to_string(), "age=null");
        assert_eq!(field::<f64>("score").gt(0.5).to_string(), "score__gt=0.5");
        assert_eq!(field::<String>("name").eq("a").to_string(), r#"name="a""#);
        assert_eq!(
            field::<String>("name").eq(String::from("a")).to_string(),
            r#"name="a""#
        );
        assert_eq!(
            field::<Option<String>>("name").eq("a").to_string(),
            r#"name="a""#
        );
        assert_eq!(field::<i64>("id").in_([1, 2]).to_string(), "id__in=[1,2]");
        assert_eq!(
            field::<String>("name").in_(["a", "b"]).to_string(),
            r#"name__in=["a","b"]"#
        );
        assert_eq!(
            field::<i64>("id").range(1, 5).to_string(),
            "id__range=[1,5]"
        );
        assert_eq!(
            field::<bool>("active").ne(true).to_string(),
            "NOT active=true"
        );
    }

    #[test]
    fn nested_paths_join() {
        let state: Field<Address, String> = Field::new("state");
        assert_eq!(
            field::<Option<Address>>("address")
                .to(state)
                .eq("IL")
                .to_string(),
            r#"address__state="IL""#
        );
    }

    #[test]
    fn a_number_without_json_form_is_refused() {
        let filter = field::<f64>("score").eq(f64::NAN);
        assert!(
            filter
                .into_q()
                .invalid()
                .is_some_and(|reason| reason.contains("score"))
        );
    }
}
