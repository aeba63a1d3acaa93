//! `filter_options!`: a filter's options, each with its text, as a typed struct that is read and as the description
//! that its page is written from. One list makes both: nothing is read and not described, or described and not read.

/// Declares the options of a filter.
///
/// ```text
/// filter_options! {
///     /// What the filter does. Its text is the beginning of its page.
///     struct BytesOptions {
///         /// Each option has a text too.
///         source: FieldPath = "message",          // read as `FieldPath`
///         target: FieldPath = required,           // read as `Option<FieldPath>`, and refused where it is missing
///         file: PathBuf = required_unless("key"), // the same where `key` is missing too; for other words than the
///                                                 // usual ones: required_unless("key", "message", "way out")
///         key: String,                            // read as `Option<String>`
///         format: FieldPath => "the file's name", // the same; its default is the filter's affair, and only told
///         base: f64 { "binary" => 1024.0, "metric" => 1000.0 } = first,   // one of these words
///         timeout: i64 [Number, seconds] = 30,    // read by the function `seconds(options, name)`
///     }
///     without_effect { ... }                      // taken as Logstash takes them, and nothing comes of it
///     refused { path => "write ... instead", }    // refused wherever they are given
///     tags { "_failure" => "when an event gets it", }
///     example "bytes { target => \"[size]\" }"
/// }
/// ```
///
/// Where an option has to be given, or has no default, the struct holds `None` for one that is absent and for one that
/// is wrong; one that is wrong and has a default is as its default. Mistakes are recorded where they are found, and
/// keep the pipeline from running. So all options are read whatever is wrong with some, and a user sees every mistake
/// at once.
///
/// It makes the struct with `read`, and the module's `DESCRIPTION`, which the registry names.
macro_rules! filter_options {
    (
        $(#[doc = $summary:literal])+
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $text:literal])+
                $field:ident: $type:ty
                    $({ $($word:literal => $value:expr),+ $(,)? })?
                    $([$kind:ident, $read:path])?
                    $(= $default:tt $(($($unless:tt)+))?)?
                    $(=> $told:literal)?,
            )*
        }
        $(without_effect {
            $($(#[doc = $idle_text:literal])+ $idle:ident: $idle_type:ty $({ $($idle_word:literal),+ })?,)*
        })?
        $(refused { $($refused:ident => $way_out:literal,)* })?
        $(tags { $($tag:literal => $when:literal,)* })?
        example $example:literal
    ) => {
        $(#[doc = $summary])+
        #[derive(Debug)]
        $vis struct $name {
            $(
                $(#[doc = $text])+
                $vis $field: filter_options!(@type [$type] [$($default $(($($unless)+))?)?]),
            )*
        }

        impl $name {
            /// Reads every option. Mistakes are recorded.
            $vis fn read(options: &mut $crate::options::Options<'_>) -> Self {
                let given = Self {
                    $(
                        $field: filter_options!(
                            @read options [$crate::description::option_name(stringify!($field))] [$type]
                            [$($($word => $value,)+)?] [$($read)?] [$($default $(($($unless)+))?)?]
                        ),
                    )*
                };
                $($(
                    let name = $crate::description::option_name(stringify!($idle));
                    filter_options!(@idle options name [$idle_type] [$($($idle_word),+)?]);
                )*)?
                $(options.not_supported(&[
                    $(($crate::description::option_name(stringify!($refused)), $way_out)),*
                ]);)?
                given
            }
        }

        /// What the filter's page is written from.
        pub(crate) const DESCRIPTION: $crate::description::FilterDescription =
            $crate::description::FilterDescription {
                text: &[$($summary),+],
                options: &[
                    $($crate::description::OptionDescription {
                        name: $crate::description::option_name(stringify!($field)),
                        kind: filter_options!(@kind [$type] [$($($word)+)?] [$($kind)?]),
                        words: filter_options!(@words [$type] [$($($word)+)?] [$($kind)?]),
                        presence: filter_options!(
                            @presence [$($($word)+)?] [$($default $(($($unless)+))?)?] [$($told)?]
                        ),
                        text: &[$($text),+],
                    },)*
                    $($($crate::description::OptionDescription {
                        name: $crate::description::option_name(stringify!($idle)),
                        kind: filter_options!(@kind [$idle_type] [$($($idle_word)+)?] []),
                        words: filter_options!(@words [$idle_type] [$($($idle_word)+)?] []),
                        presence: $crate::description::Presence::WithoutEffect,
                        text: &[$($idle_text),+],
                    },)*)?
                    $($($crate::description::OptionDescription {
                        name: $crate::description::option_name(stringify!($refused)),
                        kind: $crate::description::OptionKind::Any,
                        words: &[],
                        presence: $crate::description::Presence::Refused,
                        text: &[$way_out],
                    },)*)?
                ],
                tags: &[$($(($tag, $when)),*)?],
                example: $example,
            };
    };

    (@type [$type:ty] []) => { Option<$type> };
    (@type [$type:ty] [required]) => { Option<$type> };
    (@type [$type:ty] [required_unless ($($unless:tt)+)]) => { Option<$type> };
    (@type [$type:ty] [$default:tt]) => { $type };

    // A word, of which the first is the default.
    (
        @read $options:ident [$name:expr] [$type:ty]
        [$first:literal => $first_value:expr, $($word:literal => $value:expr,)*] [] [first]
    ) => {
        match $options.choice($name, &[$first $(, $word)*]) {
            $(Some($word) => $value,)*
            _ => $first_value,
        }
    };
    (
        @read $options:ident [$name:expr] [$type:ty]
        [$first:literal => $first_value:expr, $($word:literal => $value:expr,)*] [] []
    ) => {
        $options.choice($name, &[$first $(, $word)*]).map(|word| match word {
            $($word => $value,)*
            _ => $first_value,
        })
    };
    (@read $options:ident [$name:expr] [$type:ty] [] [$($read:path)?] [required]) => {{
        $options.require($name);
        filter_options!(@read $options [$name] [$type] [] [$($read)?] [])
    }};
    (
        @read $options:ident [$name:expr] [$type:ty] [] [$($read:path)?]
        [required_unless ($other:literal)]
    ) => {{
        $options.require_unless($name, $other);
        filter_options!(@read $options [$name] [$type] [] [$($read)?] [])
    }};
    (
        @read $options:ident [$name:expr] [$type:ty] [] [$($read:path)?]
        [required_unless ($other:literal, $message:literal, $way_out:literal)]
    ) => {{
        if $options.lacks($name, $other) {
            $options.refuse($name, $message, $way_out);
        }
        filter_options!(@read $options [$name] [$type] [] [$($read)?] [])
    }};
    (@read $options:ident [$name:expr] [$type:ty] [] [] []) => {
        <$type as $crate::options::OptionValue>::read($options, $name)
    };
    (@read $options:ident [$name:expr] [$type:ty] [] [$read:path] []) => { $read($options, $name) };
    (@read $options:ident [$name:expr] [$type:ty] [] [$($read:path)?] [$default:tt]) => {
        match filter_options!(@read $options [$name] [$type] [] [$($read)?] []) {
            Some(given) => given,
            None => $crate::options::DefaultFor::<$type>::value($default),
        }
    };

    (@idle $options:ident $name:ident [$type:ty] []) => {
        <$type as $crate::options::OptionValue>::read($options, $name);
    };
    (@idle $options:ident $name:ident [$type:ty] [$($word:literal),+]) => {
        $options.choice($name, &[$($word),+]);
    };

    (@kind [$type:ty] [] []) => { <$type as $crate::options::OptionValue>::KIND };
    (@kind [$type:ty] [$($word:literal)+] []) => { $crate::description::OptionKind::String };
    (@kind [$type:ty] [] [$kind:ident]) => { $crate::description::OptionKind::$kind };

    (@words [$type:ty] [] []) => { <$type as $crate::options::OptionValue>::WORDS };
    (@words [$type:ty] [$($word:literal)+] []) => { &[$($word),+] };
    (@words [$type:ty] [] [$kind:ident]) => { &[] };

    (@presence [$($word:literal)*] [] []) => { $crate::description::Presence::Optional };
    (@presence [$($word:literal)*] [] [$told:literal]) => {
        $crate::description::Presence::Otherwise($told)
    };
    (@presence [$($word:literal)*] [required] []) => { $crate::description::Presence::Required };
    (@presence [] [required_unless ($other:literal $($words:tt)*)] []) => {
        $crate::description::Presence::RequiredUnless($other)
    };
    (@presence [$first:literal $($word:literal)*] [first] []) => {
        $crate::description::Presence::Default(concat!('"', $first, '"'))
    };
    (@presence [] [$default:tt] []) => {
        $crate::description::Presence::Default(stringify!($default))
    };
}

pub(crate) use filter_options;
