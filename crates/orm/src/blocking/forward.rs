//! Tables of methods that a blocking type passes on to the asynchronous one that it wraps: each is a line, and its body and
//! documentation follow from it. A line reads: name[generics](arguments), and for an answer what it is and how it is made.

/// Methods that describe rows and send nothing.
macro_rules! described {
    ($of:ident: $($name:ident $([$($generic:tt)+])? ($($argument:ident: $type:ty),*);)+) => {$(
        #[doc = concat!("See [`", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ").")]
        pub fn $name$(<$($generic)+>)?(&self, $($argument: $type),*) -> QuerySet<M> {
            QuerySet(self.0.$name($($argument),*))
        }
    )+};
}

/// Methods that wait for an answer of the server.
macro_rules! answered {
    ($of:ident: $(
        $name:ident $([$($generic:tt)+])? ($($argument:ident: $type:ty),*) -> $answer:ty $(=> $made:expr)?;
    )+) => {$(
        #[doc = concat!("See [`", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ").")]
        #[doc = ""]
        #[doc = "# Errors"]
        #[doc = "As there."]
        pub fn $name$(<$($generic)+>)?(&self, $($argument: $type),*) -> Result<$answer> {
            wait(self.0.$name($($argument),*))?$(.map($made))?
        }
    )+};
}

pub(super) use {answered, described};
