/// Declares a closed list of named values: an enum, its texts, and serde by text.
macro_rules! text_enum {
    ($(#[$doc:meta])* pub enum $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text that stands for the value in documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the text of a value.
            ///
            /// # Errors
            /// `InvalidEvent` for any text that is not on the list.
            pub fn parse(text: &str) -> $crate::error::Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => {
                        let message = format_args!("{text:?} is no {}; it is one of: {}", $what, [$($text),+].join(", "));
                        Err($crate::error::Error::new($crate::error::ErrorKind::InvalidEvent, message))
                    }
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::error::Error;

            fn try_from(text: String) -> $crate::error::Result<Self> {
                Self::parse(&text)
            }
        }

        $crate::text::serde_as_text!($name, Self::parse);

        impl From<$name> for &'static str {
            fn from(value: $name) -> &'static str {
                value.as_str()
            }
        }
    };
}

pub(crate) use text_enum;

/// Shows a value in `Debug` as `Name(text)`, with the text that people read.
macro_rules! debug_as_text {
    ($($name:ident),+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    )+};
}

pub(crate) use debug_as_text;
