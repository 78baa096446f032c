//! How a task went, and what the server is told of it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::cut;
use crate::v1::artefact_value::Content;
use crate::v1::report_request::Outcome;
use crate::v1::{ArtefactReference, ArtefactValue, ReportedDeclined, ReportedDone, ReportedFailed};
use crate::values::to_proto;

const ERROR_CHARACTERS: usize = 5000;
const REASON_CHARACTERS: usize = 1000;

/// What a task put out.
///
/// A JSON object goes by its names, anything else under the task's only output, and null is nothing. Values that lie elsewhere are named
/// by [`Outputs::reference`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    value: Value,
    references: BTreeMap<String, ArtefactReference>,
}

impl Outputs {
    /// Also put out a value that lies elsewhere, under this name.
    pub fn reference(mut self, name: impl Into<String>, reference: ArtefactReference) -> Self {
        self.references.insert(name.into(), reference);
        self
    }

    /// The outputs by name; `declared` are those of the task, `own` those of the skill, for tasks that declare none.
    fn named(self, declared: &[String], own: &[String]) -> Result<Vec<ArtefactValue>, TaskError> {
        let mut found: Map<String, Value> = match self.value {
            Value::Null => Map::new(),
            Value::Object(fields) => match declared {
                [only] if !fields.contains_key(only) && !self.references.contains_key(only) => {
                    Map::from_iter([(only.clone(), Value::Object(fields))])
                }
                _ => fields,
            },
            value => match if declared.is_empty() { own } else { declared } {
                [only] => Map::from_iter([(only.clone(), value)]),
                names => {
                    return Err(TaskError::permanent(format!(
                        "the function returned one value, and its task has {} outputs: return an object",
                        names.len()
                    )));
                }
            },
        };
        found.retain(|name, _| !self.references.contains_key(name));
        let values = found.into_iter().map(|(name, value)| (name, Content::Value(to_proto(value))));
        let references = self.references.into_iter().map(|(name, reference)| (name, Content::Reference(reference)));
        Ok(values.chain(references).map(|(name, content)| ArtefactValue { name, content: Some(content) }).collect())
    }
}

impl From<Value> for Outputs {
    fn from(value: Value) -> Self {
        Self { value, references: BTreeMap::new() }
    }
}

/// Why a task has no result. Every error turns into one with `?`: then the task failed, and may be tried again.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskError {
    /// This agent does not want the task, and does not get it again; it counts for nothing, and another agent gets the task.
    Declined(String),
    /// It failed.
    Failed {
        /// Why, in words.
        message: String,
        /// Whether the same agent need not try again; another one, or another way, may.
        permanent: bool,
    },
}

impl TaskError {
    /// This is not for this agent.
    pub fn declined(why: impl Into<String>) -> Self {
        Self::Declined(why.into())
    }

    /// It failed, and may be tried again.
    pub fn failed(why: impl Into<String>) -> Self {
        Self::Failed { message: why.into(), permanent: false }
    }

    /// It failed, and the same agent need not try again.
    pub fn permanent(why: impl Into<String>) -> Self {
        Self::Failed { message: why.into(), permanent: true }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declined(why) => write!(out, "declined: {why}"),
            Self::Failed { message, .. } => out.write_str(message),
        }
    }
}

impl<E: std::error::Error> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::failed(error.to_string())
    }
}

/// What to report of a function that ended.
pub(super) fn reported(result: Result<Outputs, TaskError>, declared: &[String], own: &[String]) -> Outcome {
    match result.and_then(|outputs| outputs.named(declared, own)) {
        Ok(outputs) => Outcome::Done(ReportedDone { outputs }),
        Err(TaskError::Declined(why)) => declined(&why, false),
        Err(TaskError::Failed { message, permanent }) => failed(&message, permanent),
    }
}

/// The report of a failure.
pub(super) fn failed(error: &str, permanent: bool) -> Outcome {
    Outcome::Failed(ReportedFailed { error: cut(error, ERROR_CHARACTERS), permanent })
}

/// The report of a task that is not wanted; with `hand_back` the worker would take it another time.
pub(super) fn declined(why: &str, hand_back: bool) -> Outcome {
    Outcome::Declined(ReportedDeclined { reason: cut(why, REASON_CHARACTERS), hand_back })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn names(outputs: Outputs, declared: &[&str], own: &[&str]) -> Result<Vec<String>, TaskError> {
        Ok(outputs.named(&texts(declared), &texts(own))?.into_iter().map(|one| one.name).collect())
    }

    #[test]
    fn an_object_goes_by_its_names_and_anything_else_under_the_only_output() {
        assert_eq!(names(json!({"a": 1, "b": 2}).into(), &["x", "y"], &[]).unwrap(), ["a", "b"]);
        assert_eq!(names(json!("text").into(), &["x"], &["own"]).unwrap(), ["x"]);
        assert_eq!(names(json!("text").into(), &[], &["own"]).unwrap(), ["own"]);
        assert_eq!(names(json!({"a": 1}).into(), &["x"], &[]).unwrap(), ["x"]);
        assert_eq!(names(json!({"x": 1}).into(), &["x"], &[]).unwrap(), ["x"]);
        assert!(names(Outputs::default(), &["x"], &[]).unwrap().is_empty());
    }

    #[test]
    fn one_value_for_two_outputs_fails_for_good() {
        assert!(matches!(names(json!(1).into(), &["x", "y"], &[]), Err(TaskError::Failed { permanent: true, .. })));
    }

    #[test]
    fn a_value_elsewhere_goes_under_its_name() {
        let page = ArtefactReference { uri: "s3://a/b".into(), ..Default::default() };
        let found = Outputs::from(json!({"n": 1})).reference("page", page.clone()).named(&texts(&["n", "page"]), &[]).unwrap();
        assert_eq!(found[1], ArtefactValue { name: "page".into(), content: Some(Content::Reference(page)) });
    }

    #[test]
    fn any_error_makes_the_task_fail_with_its_words() {
        fn work() -> Result<Outputs, TaskError> {
            Ok(json!("x".parse::<u8>()?).into())
        }
        let Outcome::Failed(failed) = reported(work(), &[], &[]) else { panic!("it did not fail") };
        assert_eq!((failed.error.as_str(), failed.permanent), ("invalid digit found in string", false));
    }

    #[test]
    fn a_declined_task_is_not_handed_back() {
        let outcome = reported(Err(TaskError::declined("not mine")), &[], &[]);
        assert_eq!(outcome, Outcome::Declined(ReportedDeclined { reason: "not mine".into(), hand_back: false }));
    }
}
