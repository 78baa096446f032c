package genesis

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// calls are the interceptors of a client: deadlines, request ids, signatures, errors.
type calls struct {
	timeout time.Duration
	retry   bool
	signer  *signer
}

func (c *calls) unary(
	ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if _, ends := ctx.Deadline(); !ends {
		limited, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		ctx = limited
	}
	var trailer metadata.MD
	options = append(options, grpc.Trailer(&trailer))
	request = identified(request)
	if c.signer == nil {
		err := invoke(ctx, method, request, reply, connection, options...)
		return translated(err, trailer)
	}
	body, err := marshal(request)
	if err != nil {
		return translated(err, nil)
	}
	options = append(options, grpc.ForceCodecV2(signedCodec{}))
	for tries := 1; ; tries++ {
		trailer = nil
		err := invoke(c.signed(ctx, method, body), method, body, reply, connection, options...)
		err = translated(err, trailer)
		failed, is := err.(*Error)
		if !is || !c.retry || !safe[method] {
			return err
		}
		wait, again := waitAfter(tries, failed, trailer, uniform)
		if !again || !slept(ctx, wait) {
			return err
		}
	}
}

func (c *calls) stream(
	ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string, open grpc.Streamer,
	options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if !description.ClientStreams {
		if c.signer != nil {
			options = append(options, grpc.ForceCodecV2(signedCodec{}))
		}
		begin := func(ctx context.Context) (grpc.ClientStream, error) {
			return open(ctx, description, connection, method, options...)
		}
		return &answers{ctx: ctx, calls: c, method: method, begin: begin}, nil
	}
	if c.signer != nil {
		ctx = c.signed(ctx, method, nil)
	}
	stream, err := open(ctx, description, connection, method, options...)
	if err != nil {
		return nil, translated(err, nil)
	}
	return &typed{stream}, nil
}

func (c *calls) signed(ctx context.Context, method string, body []byte) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", c.signer.header(method, body))
}

func marshal(request any) (encoded, error) {
	message, ok := request.(proto.Message)
	if !ok {
		return nil, status.Errorf(codes.Internal, "%T is no protobuf message", request)
	}
	return proto.Marshal(message)
}

// slept waits; false when the call would end before.
func slept(ctx context.Context, wait time.Duration) bool {
	if end, ends := ctx.Deadline(); ends && time.Until(end) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// typed is a stream whose errors are *Error.
type typed struct{ grpc.ClientStream }

func (t *typed) SendMsg(message any) error { return translated(t.ClientStream.SendMsg(message), nil) }

func (t *typed) RecvMsg(message any) error {
	err := t.ClientStream.RecvMsg(message)
	if err == nil {
		return nil
	}
	return translated(err, t.Trailer())
}

// answers is a stream of answers to one request. It begins with the request, which has to be there to be signed.
type answers struct {
	grpc.ClientStream
	ctx    context.Context
	calls  *calls
	method string
	begin  func(context.Context) (grpc.ClientStream, error)
}

func (a *answers) Context() context.Context { return a.ctx }

func (a *answers) SendMsg(request any) error {
	request = identified(request)
	ctx := a.ctx
	if a.calls.signer != nil {
		body, err := marshal(request)
		if err != nil {
			return translated(err, nil)
		}
		ctx, request = a.calls.signed(ctx, a.method, body), body
	}
	stream, err := a.begin(ctx)
	if err != nil {
		return translated(err, nil)
	}
	a.ClientStream = &typed{stream}
	return a.ClientStream.SendMsg(request)
}
