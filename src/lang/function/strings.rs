//! Overloads of texts, patterns and encodings.
//!
//! Promises the functions of CEL's string, encoder and regex extensions. Deliberately computes nothing.

use super::Overload;
use super::Sig::{Bytes, Dyn, Int, List, Optional, String};

/// One row each.
pub(super) const ROWS: &[Overload] = overloads! {
    member CharAt "charAt" (String, Int) -> String;
    member IndexOf "indexOf" (String, String) -> Int;
    member IndexOf "indexOf" (String, String, Int) -> Int;
    member LastIndexOf "lastIndexOf" (String, String) -> Int;
    member LastIndexOf "lastIndexOf" (String, String, Int) -> Int;
    member LowerAscii "lowerAscii" (String) -> String;
    member UpperAscii "upperAscii" (String) -> String;
    member Replace "replace" (String, String, String) -> String;
    member Replace "replace" (String, String, String, Int) -> String;
    member Split "split" (String, String) -> List(&String);
    member Split "split" (String, String, Int) -> List(&String);
    member Substring "substring" (String, Int) -> String;
    member Substring "substring" (String, Int, Int) -> String;
    member Trim "trim" (String) -> String;
    member Join "join" (List(&String)) -> String;
    member Join "join" (List(&String), String) -> String;
    member Reverse "reverse" (String) -> String;
    member Format "format" (String, List(&Dyn)) -> String;
    global Quote "strings.quote" (String) -> String;

    global Base64Encode "base64.encode" (Bytes) -> String;
    global Base64Decode "base64.decode" (String) -> Bytes;

    global RegexReplace "regex.replace" (String, String, String) -> String;
    global RegexReplace "regex.replace" (String, String, String, Int) -> String;
    global RegexExtract "regex.extract" (String, String) -> Optional(&String);
    global RegexExtractAll "regex.extractAll" (String, String) -> List(&String);
    member Find "find" (String, String) -> String;
    member FindAll "findAll" (String, String) -> List(&String);
    member FindAll "findAll" (String, String, Int) -> List(&String);
};
