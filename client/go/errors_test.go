package genesis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func refusal(t *testing.T) *status.Status {
	t.Helper()
	wrong := &errdetails.BadRequest_FieldViolation{Field: "goal", Description: "say something", Reason: "STRING_MIN_LEN"}
	found, err := status.New(codes.InvalidArgument, "goal is empty").WithDetails(
		&errdetails.ErrorInfo{Reason: "INVALID_FIELD", Metadata: map[string]string{"category": "validation", "field": "goal"}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{wrong}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
	)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// An error has what the server said, and gRPC's own functions still understand it.
func TestErrorsSayWhatTheServerSaid(t *testing.T) {
	err := fmt.Errorf("planning: %w", translated(refusal(t).Err(), metadata.Pairs(correlationKey, "c-1")))
	var told *Error
	if !errors.As(err, &told) {
		t.Fatal(err)
	}
	if told.Code != codes.InvalidArgument || told.Reason != "INVALID_FIELD" || told.Message != "goal is empty" {
		t.Errorf("%+v", told)
	}
	if told.Metadata["field"] != "goal" {
		t.Errorf("%+v", told)
	}
	if len(told.FieldViolations) != 1 || told.FieldViolations[0] != (FieldViolation{"goal", "say something", "STRING_MIN_LEN"}) {
		t.Errorf("%+v", told.FieldViolations)
	}
	if told.RetryAfter != 1500*time.Millisecond || told.CorrelationID != "c-1" {
		t.Errorf("%v, %q", told.RetryAfter, told.CorrelationID)
	}
	if Reason(err) != "INVALID_FIELD" || status.Code(err) != codes.InvalidArgument {
		t.Errorf("%q, %v", Reason(err), status.Code(err))
	}
	if told.Error() != "InvalidArgument INVALID_FIELD: goal is empty" {
		t.Error(told.Error())
	}
}

// An error that came as a message is the same as one that came with a call; OK is none.
func TestErrorsThatCameAsMessages(t *testing.T) {
	if told := FromStatus(refusal(t).Proto()); told.Reason != "INVALID_FIELD" || told.RetryAfter == 0 {
		t.Errorf("%+v", told)
	}
	if told := FromStatus(nil); told != nil {
		t.Errorf("%+v", told)
	}
}

// Details that cannot be read are left out; an error without any has its code and message.
func TestErrorsWithoutReadableDetails(t *testing.T) {
	broken := status.New(codes.NotFound, "gone").Proto()
	broken.Details = []*anypb.Any{
		{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0xff}},
		{TypeUrl: "type.googleapis.com/no.Such"},
	}
	told := FromStatus(broken)
	if told.Code != codes.NotFound || told.Reason != "" || told.Message != "gone" || told.Error() != "NotFound: gone" {
		t.Errorf("%+v", told)
	}
}

// The end of a stream is no error, and nothing is translated twice.
func TestWhatIsNotTranslated(t *testing.T) {
	told := translated(context.DeadlineExceeded, nil)
	for _, err := range []error{nil, io.EOF, told} {
		if translated(err, nil) != err {
			t.Errorf("%v was translated", err)
		}
	}
}
