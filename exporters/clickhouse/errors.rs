//! What an error of ClickHouse means for the delivery: try again, or give up.
//!
//! Only errors about the data themselves are final. Everything else can be mended on the server (a missing table, a wrong
//! password, a full disk), and the queue keeps the data meanwhile.

use chaperone_pipeline::ExportError;
use clickhouse::error::Error;

/// Codes that the same bytes will meet every time.
const FINAL: &[u32] = &[
    6,   // CANNOT_PARSE_TEXT
    7,   // INCORRECT_NUMBER_OF_COLUMNS
    20,  // NUMBER_OF_COLUMNS_DOESNT_MATCH
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    32,  // ATTEMPT_TO_READ_AFTER_EOF
    33,  // CANNOT_READ_ALL_DATA
    38,  // CANNOT_PARSE_DATE
    41,  // CANNOT_PARSE_DATETIME
    50,  // UNKNOWN_TYPE
    53,  // TYPE_MISMATCH
    69,  // ARGUMENT_OUT_OF_BOUND
    70,  // CANNOT_CONVERT_TYPE
    72,  // CANNOT_PARSE_NUMBER
    117, // INCORRECT_DATA
    128, // TOO_LARGE_ARRAY_SIZE
    131, // TOO_LARGE_STRING_SIZE
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    469, // VIOLATED_CONSTRAINT
    691, // UNKNOWN_ELEMENT_OF_ENUM
];

/// The code of a server's message: `Code: 60. DB::Exception: ...`.
pub fn code(error: &Error) -> Option<u32> {
    let Error::BadResponse(message) = error else { return None };
    let from = message.split_once("Code: ")?.1;
    let digits = from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len());
    from.get(..digits)?.parse().ok()
}

/// Whether the server's tables are not those that were read: the next attempt has to read them again.
pub fn tables_changed(error: &Error) -> bool {
    // NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER, UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_SETTING
    matches!(code(error), Some(16 | 47 | 60 | 81 | 115))
}

/// The error of a delivery to a table.
pub fn export_error(table: &str, error: Error) -> ExportError {
    let code = code(&error);
    let is_final = code.is_some_and(|code| FINAL.contains(&code));
    if is_final {
        // What the server says about unreadable data may quote them, so only the name of the error is kept.
        let name = name(&error).unwrap_or("no name given");
        let message = format!("ClickHouse will never take a block for `{table}`: code {}, {name}", code.unwrap_or(0));
        return ExportError::Permanent { message, source: None };
    }
    let message = match code {
        Some(code) => format!("ClickHouse refused a block for `{table}` with code {code}"),
        None => format!("a block for `{table}` did not reach ClickHouse"),
    };
    ExportError::Retryable { message, after: None, source: Some(error.into()) }
}

/// The name of a server's error: `Code: 33. DB::Exception: ... (CANNOT_READ_ALL_DATA) (version ...)`.
fn name(error: &Error) -> Option<&str> {
    let Error::BadResponse(message) = error else { return None };
    let in_brackets = message.split('(').skip(1).filter_map(|rest| rest.split(')').next());
    in_brackets.filter(|name| name.len() > 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: Option<u32>, is_final: bool) {
        let error = Error::BadResponse(message.to_owned());
        assert_eq!(code(&error), expected);
        assert_eq!(matches!(export_error("t", error), ExportError::Permanent { .. }), is_final, "{message}");
    }

    #[test]
    fn only_errors_about_the_data_are_final() {
        check("Code: 33. DB::Exception: Cannot read all data. (CANNOT_READ_ALL_DATA)", Some(33), true);
        check("Code: 691. DB::Exception: Unknown value", Some(691), true);
        check("Code: 60. DB::Exception: Table does not exist", Some(60), false);
        check("Code: 252. DB::Exception: Too many parts", Some(252), false);
        check("Code: 516", Some(516), false);
        check("503 Service Unavailable", None, false);
    }

    #[test]
    fn data_that_the_server_quotes_are_not_repeated() {
        let said = "Code: 27. DB::Exception: Cannot parse 'my secret'. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1)";
        let error = export_error("t", Error::BadResponse(said.to_owned()));
        assert_eq!(error.to_string(), "ClickHouse will never take a block for `t`: code 27, CANNOT_PARSE_INPUT_ASSERTION_FAILED");
        assert!(std::error::Error::source(&error).is_none());
    }

    #[test]
    fn a_broken_connection_is_tried_again() {
        assert!(matches!(export_error("t", Error::TimedOut), ExportError::Retryable { .. }));
    }
}
