//! The columns of a resource: what DRF's `ModelSerializer` would know about a model field.

use serde_json::Value;

/// What happens to a row when the row that it points to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// It is deleted too (`models.CASCADE`).
    Cascade,
    /// Its reference becomes `null` (`models.SET_NULL`).
    SetNull,
}

/// One column: its type, and the rules of Django and DRF for it.
///
/// A field is required in a body unless it is nullable, may be blank, has a default or is
/// read-only, as in a `ModelSerializer`.
///
/// ```
/// use django_api_orm_testserver::Field;
///
/// let fields = [
///     Field::integer("id").primary_key(),
///     Field::text("name", 100),
///     Field::email("email").unique(),
///     Field::integer("age").between(0, 150).null(),
///     Field::datetime("created_at").read_only().default_now(),
/// ];
/// # assert_eq!(fields.len(), 5);
/// ```
#[derive(Debug, Clone)]
pub struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) primary_key: bool,
    pub(crate) null: bool,
    pub(crate) blank: bool,
    pub(crate) unique: bool,
    pub(crate) read_only: bool,
    pub(crate) default: Option<FieldDefault>,
    pub(crate) required: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Integer { min: i64, max: i64 },
    Float,
    Decimal { digits: u32, places: u32 },
    Boolean,
    Text { max: Option<usize> },
    Email { max: usize },
    Slug { max: usize },
    Choice { values: Vec<String> },
    Uuid,
    Date,
    DateTime,
    List { child: Box<Field> },
    Object,
    Json,
    Nested { fields: Vec<Field> },
    ForeignKey { table: String, on_delete: OnDelete },
    Link { table: String, on_delete: OnDelete },
}

impl Kind {
    /// The table that a value of this kind points to.
    pub(crate) fn target(&self) -> Option<(&str, OnDelete)> {
        match self {
            Self::ForeignKey { table, on_delete } | Self::Link { table, on_delete } => {
                Some((table, *on_delete))
            }
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum FieldDefault {
    Value(Value),
    Now,
    Uuid,
}

impl Field {
    fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            primary_key: false,
            null: false,
            blank: false,
            unique: false,
            read_only: false,
            default: None,
            required: None,
        }
    }

    /// A 64-bit integer.
    pub fn integer(name: &str) -> Self {
        Self::new(
            name,
            Kind::Integer {
                min: i64::MIN,
                max: i64::MAX,
            },
        )
    }

    /// A floating-point number.
    pub fn float(name: &str) -> Self {
        Self::new(name, Kind::Float)
    }

    /// A decimal number, on the wire a string such as `"12.50"`.
    pub fn decimal(name: &str, digits: u32, places: u32) -> Self {
        Self::new(name, Kind::Decimal { digits, places })
    }

    /// `true` or `false`.
    pub fn boolean(name: &str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    /// A string of at most `max` characters (`CharField`).
    pub fn text(name: &str, max: usize) -> Self {
        Self::new(name, Kind::Text { max: Some(max) })
    }

    /// A string without a limit (`TextField`).
    pub fn long_text(name: &str) -> Self {
        Self::new(name, Kind::Text { max: None })
    }

    /// An e-mail address of at most 254 characters.
    pub fn email(name: &str) -> Self {
        Self::new(name, Kind::Email { max: 254 })
    }

    /// Letters, digits, `-` and `_`, at most 50.
    pub fn slug(name: &str) -> Self {
        Self::new(name, Kind::Slug { max: 50 })
    }

    /// One of the given strings.
    pub fn choice<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values = values.into_iter().map(str::to_owned).collect();
        Self::new(name, Kind::Choice { values })
    }

    /// A UUID, on the wire with hyphens.
    pub fn uuid(name: &str) -> Self {
        Self::new(name, Kind::Uuid)
    }

    /// A date, on the wire `2024-03-01`.
    pub fn date(name: &str) -> Self {
        Self::new(name, Kind::Date)
    }

    /// An instant, on the wire in UTC: `2024-03-01T12:00:00Z`.
    pub fn datetime(name: &str) -> Self {
        Self::new(name, Kind::DateTime)
    }

    /// A list whose items obey `child` (its name is not used).
    pub fn list(name: &str, child: Field) -> Self {
        Self::new(
            name,
            Kind::List {
                child: Box::new(child),
            },
        )
    }

    /// A list of strings that are not blank.
    pub fn text_list(name: &str) -> Self {
        Self::list(name, Self::long_text(""))
    }

    /// A JSON object with any content (`DictField`).
    pub fn object(name: &str) -> Self {
        Self::new(name, Kind::Object)
    }

    /// Any JSON value (`JSONField`).
    pub fn json(name: &str) -> Self {
        Self::new(name, Kind::Json)
    }

    /// A writable nested serializer: an object with these fields.
    pub fn nested(name: &str, fields: impl IntoIterator<Item = Field>) -> Self {
        Self::new(
            name,
            Kind::Nested {
                fields: fields.into_iter().collect(),
            },
        )
    }

    /// A reference to a row of `table`, on the wire its primary key.
    pub fn foreign_key(name: &str, table: &str, on_delete: OnDelete) -> Self {
        Self::new(
            name,
            Kind::ForeignKey {
                table: table.to_owned(),
                on_delete,
            },
        )
    }

    /// A reference to a row of `table`, on the wire the URL of that row
    /// (`HyperlinkedRelatedField`). Seed rows may hold the key or the URL.
    pub fn link(name: &str, table: &str, on_delete: OnDelete) -> Self {
        Self::new(
            name,
            Kind::Link {
                table: table.to_owned(),
                on_delete,
            },
        )
    }

    /// Makes this the primary key. An integer counts up by itself and a UUID is made by the
    /// server, both read-only; a key of another type is given by the client.
    #[must_use]
    pub fn primary_key(mut self) -> Self {
        self.primary_key = true;
        match self.kind {
            Kind::Integer { .. } => self.read_only = true,
            Kind::Uuid => {
                self.read_only = true;
                self.default = Some(FieldDefault::Uuid);
            }
            _ => self.unique = true,
        }
        self
    }

    /// Allows `null`.
    #[must_use]
    pub fn null(mut self) -> Self {
        self.null = true;
        self
    }

    /// Allows the empty string.
    #[must_use]
    pub fn blank(mut self) -> Self {
        self.blank = true;
        self
    }

    /// Refuses a second row with the same value.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// Ignores the field in a body.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Demands the field, or not, whatever the other rules imply.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// The value of a new row that does not give one, in wire format.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(FieldDefault::Value(value.into()));
        self
    }

    /// A new row gets the time of its creation.
    #[must_use]
    pub fn default_now(mut self) -> Self {
        self.default = Some(FieldDefault::Now);
        self
    }

    /// A new row gets a random UUID.
    #[must_use]
    pub fn default_uuid(mut self) -> Self {
        self.default = Some(FieldDefault::Uuid);
        self
    }

    /// The smallest and the largest value of an integer; no effect on other types.
    #[must_use]
    pub fn between(mut self, smallest: i64, largest: i64) -> Self {
        if let Kind::Integer { min, max } = &mut self.kind {
            (*min, *max) = (smallest, largest);
        }
        self
    }

    pub(crate) fn is_required(&self) -> bool {
        self.required.unwrap_or_else(|| {
            !(self.null || self.blank || self.read_only || self.default.is_some())
        })
    }

    /// Django's `verbose_name`, as it appears in messages.
    pub(crate) fn verbose_name(&self) -> String {
        if self.primary_key && self.name == "id" {
            return "ID".to_owned();
        }
        self.name.replace('_', " ")
    }
}
