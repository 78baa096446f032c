package genesis

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statusproto "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const correlationKey = "x-correlation-id"

// FieldViolation is a field of the request that breaks a constraint.
type FieldViolation struct {
	// Field is its path in the request, for example "plan.tasks[2].id".
	Field string
	// Description says what is wrong and what to do.
	Description string
	// Rule is the id of the constraint, for example "STRING_MIN_LEN".
	Rule string
}

// Error is what every failed call returns; find it with errors.As. status.Code and status.FromError understand it, too.
type Error struct {
	// Code is the gRPC code.
	Code codes.Code
	// Reason is the name of a genesisv1.ErrorReason without its prefix, for example "PLAN_NOT_FOUND"; empty when no server answered.
	Reason string
	// Message says what is wrong and what to do, in words; it may change between versions, unlike Reason.
	Message string
	// Metadata has facts about the failure; which keys there are depends on the reason.
	Metadata map[string]string
	// FieldViolations names every field that is wrong, when the request is.
	FieldViolations []FieldViolation
	// RetryAfter is how long to wait before another try helps; zero when the server named no time.
	RetryAfter time.Duration
	// CorrelationID finds the call in the server's logs and traces; empty when no server answered.
	CorrelationID string

	status *status.Status
}

// Error is the code, the reason and the message.
func (e *Error) Error() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s", e.Code, e.Reason)), " ") + ": " + e.Message
}

// GRPCStatus is the error as gRPC has it.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Reason is the reason of an error that a call returned; empty when it has none.
func Reason(err error) string {
	if found := (*Error)(nil); errors.As(err, &found) {
		return found.Reason
	}
	return ""
}

// FromStatus is the error for one that came as a message; nil when the code is OK.
func FromStatus(message *statusproto.Status) *Error {
	if message.GetCode() == int32(codes.OK) {
		return nil
	}
	return fromStatus(status.FromProto(message), nil)
}

// translated is an error of gRPC as an *Error, with the correlation id of the trailer. Others, and io.EOF, stay as they are.
func translated(err error, trailer metadata.MD) error {
	if err == nil || err == io.EOF || errors.As(err, new(*Error)) {
		return err
	}
	return fromStatus(status.Convert(err), trailer)
}

func fromStatus(given *status.Status, trailer metadata.MD) *Error {
	found := &Error{Code: given.Code(), Message: given.Message(), Metadata: map[string]string{}, status: given}
	for _, detail := range given.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			found.Reason = detail.GetReason()
			if detail.GetMetadata() != nil {
				found.Metadata = detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, one := range detail.GetFieldViolations() {
				found.FieldViolations = append(found.FieldViolations, FieldViolation{one.GetField(), one.GetDescription(), one.GetReason()})
			}
		case *errdetails.RetryInfo:
			found.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	found.CorrelationID = found.Metadata["correlation_id"]
	if ids := trailer.Get(correlationKey); found.CorrelationID == "" && len(ids) > 0 {
		found.CorrelationID = ids[0]
	}
	return found
}
