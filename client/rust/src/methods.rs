//! What the transport has to know of a method: whether a call may be repeated, and where its request id is.

use prost::Message;
use prost::bytes::Bytes;

#[allow(missing_docs)]
#[rustfmt::skip]
#[path = "gen/methods.rs"]
mod table;

/// A method of the contract.
#[derive(Debug)]
pub(crate) struct Method {
    /// `/package.Service/Method`.
    pub path: &'static str,
    /// Whether the caller sends a stream.
    pub client_streaming: bool,
    /// Whether the server sends a stream.
    pub server_streaming: bool,
    /// Whether it changes nothing, or the same when it is called twice.
    pub reads: bool,
    /// Where its request has a request id.
    pub request_id: RequestId,
}

/// Where a request has its `request_id`, with which the server knows a repeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RequestId {
    /// Nowhere.
    None,
    /// In its field 1.
    Own,
    /// In field 1 of the request it wraps in its field 1.
    Wrapped,
}

impl Method {
    /// The method of a path; None when the contract has no such one.
    pub(crate) fn find(path: &str) -> Option<&'static Self> {
        table::METHODS.iter().find(|method| method.path == path)
    }

    /// Whether a call that may have reached a server can be made again.
    pub(crate) fn repeatable(&self) -> bool {
        !self.client_streaming && (self.reads || self.request_id != RequestId::None)
    }
}

#[derive(Clone, PartialEq, Message)]
struct Own {
    #[prost(string, tag = "1")]
    request_id: String,
}

#[derive(Clone, PartialEq, Message)]
struct Wrapped {
    #[prost(message, optional, tag = "1")]
    request: Option<Own>,
}

/// The encoded request with a request id in it: its own, or `fresh()` when it has a place for one and nothing there.
///
/// What protobuf reads later replaces a text and is merged into a message, so that the id can be put behind the rest.
pub(crate) fn with_request_id(method: &Method, message: Bytes, fresh: impl FnOnce() -> String) -> Bytes {
    let more = match method.request_id {
        RequestId::None => None,
        RequestId::Own => match Own::decode(message.clone()) {
            Ok(own) if own.request_id.is_empty() => Some(Own { request_id: fresh() }.encode_to_vec()),
            _ => None,
        },
        RequestId::Wrapped => match Wrapped::decode(message.clone()) {
            Ok(Wrapped { request: Some(own) }) if own.request_id.is_empty() => {
                Some(Wrapped { request: Some(Own { request_id: fresh() }) }.encode_to_vec())
            }
            _ => None,
        },
    };
    match more {
        None => message,
        Some(more) => [message.as_ref(), &more].concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    fn filled<M: Message + Default>(path: &str, request: &M) -> M {
        let method = Method::find(path).unwrap();
        M::decode(with_request_id(method, request.encode_to_vec().into(), || "fresh".into())).unwrap()
    }

    #[test]
    fn a_request_without_an_id_gets_one() {
        let request = v1::PlanRequest { goal: "Write".into(), seed: 7, ..Default::default() };
        let found = filled("/genesis.v1.OrchestratorService/Plan", &request);
        assert_eq!(found, v1::PlanRequest { request_id: "fresh".into(), ..request });
    }

    #[test]
    fn a_request_keeps_its_own_id() {
        let request = v1::PlanRequest { request_id: "mine".into(), goal: "Write".into(), ..Default::default() };
        assert_eq!(filled("/genesis.v1.OrchestratorService/Plan", &request), request);
    }

    #[test]
    fn the_request_inside_a_plan_stream_gets_one() {
        let plan = v1::PlanRequest { goal: "Write".into(), ..Default::default() };
        let path = "/genesis.v1.OrchestratorService/PlanStream";
        let found = filled(path, &v1::PlanStreamRequest { plan: Some(plan.clone()) });
        assert_eq!(found.plan, Some(v1::PlanRequest { request_id: "fresh".into(), ..plan }));
        assert_eq!(filled(path, &v1::PlanStreamRequest { plan: None }).plan, None);
    }

    #[test]
    fn requests_without_a_place_for_an_id_stay_as_they_are() {
        let request = v1::GetPlanRequest { plan_id: "plan_1".into(), ..Default::default() };
        assert_eq!(filled("/genesis.v1.OrchestratorService/GetPlan", &request), request);
    }

    #[test]
    fn only_a_workers_stream_cannot_be_repeated() {
        let found: Vec<&str> = table::METHODS.iter().filter(|method| !method.repeatable()).map(|method| method.path).collect();
        assert_eq!(found, ["/genesis.v1.AgentService/Work"]);
    }
}
