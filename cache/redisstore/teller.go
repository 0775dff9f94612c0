package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/push"
)

// teller is the connection over which one server tells. The client's subscription is what reads while nobody asks; it subscribes to nothing.
type teller struct {
	prefix   string
	changed  func(keys []string)
	options  redis.Options
	client   *redis.Client
	messages *redis.PubSub
	dialed   atomic.Bool
	address  string // at the other end
	pongs    chan struct{}
}

func newTeller(of *redis.Client, prefix string, changed func(keys []string)) *teller {
	t := &teller{prefix: prefix, changed: changed, options: optionsAside(of), pongs: make(chan struct{}, 1)}
	o := t.options
	o.Protocol, o.PushNotificationProcessor = 3, push.NewProcessor() // the client's own may know others that watch
	dial, connected := o.Dialer, o.OnConnect
	o.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if t.dialed.Swap(true) {
			return nil, errLost // what was told meanwhile is lost
		}
		conn, err := dial(ctx, network, addr)
		if err == nil {
			t.address = conn.RemoteAddr().String()
		}
		return conn, err
	}
	o.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
		if connected != nil {
			if err := connected(ctx, conn); err != nil {
				return err
			}
		}
		return beTold(ctx, conn, prefix)
	}
	t.client = redis.NewClient(&o)
	return t
}

// open connects, and returns once the server tracks.
func (t *teller) open(ctx context.Context) error {
	if err := t.client.RegisterPushNotificationHandler("invalidate", t, true); err != nil {
		return err
	}
	t.messages = t.client.Subscribe(ctx)
	if err := t.messages.Ping(ctx); err != nil { // the first thing that is written connects
		return err
	}
	return unsupported(t.receive(ctx))
}

// beTold has the server tell conn of what happens below prefix. The client takes an error for an answer to its own HELLO and goes on with RESP2, in which
// the server promises to tell, and cannot.
func beTold(ctx context.Context, conn *redis.Conn, prefix string) error {
	hello := redis.NewMapStringInterfaceCmd(ctx, "hello", 3)
	err := conn.Process(ctx, hello)
	if err == nil && hello.Val()["proto"] != int64(3) {
		return fmt.Errorf("%w: the server does not tell of changes: it does not speak RESP3", errors.ErrUnsupported)
	}
	if err == nil {
		err = conn.Process(ctx, newStatus(ctx, "client", "tracking", "on", "bcast", "prefix", prefix))
	}
	return unsupported(err)
}

// unsupported makes an [errors.ErrUnsupported] of an answer which says that the server does not know or allow what it was asked for. Other codes than these, like
// LOADING and BUSY, speak of the moment; what has none is a proxy's.
func unsupported(err error) error {
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return err
	}
	code, _, _ := strings.Cut(answer.Error(), " ")
	if code == "ERR" || code == "NOPERM" || code != strings.ToUpper(code) {
		return fmt.Errorf("%w: the server does not tell of changes: %w", errors.ErrUnsupported, err)
	}
	return err
}

// receive waits for the answer to a ping. What is told until then is handed on.
func (t *teller) receive(ctx context.Context) error {
	message, err := t.messages.ReceiveTimeout(ctx, silence)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	if _, ok := message.(*redis.Pong); !ok {
		return fmt.Errorf("%w: the server said something else", errLost)
	}
	return nil
}

func (t *teller) read(ctx context.Context) error {
	for {
		if err := t.receive(ctx); err != nil {
			return err
		}
		select {
		case t.pongs <- struct{}{}:
		default:
			return fmt.Errorf("%w: the server answered what nobody asked", errLost)
		}
	}
}

func (t *teller) ping(ctx context.Context) error {
	if err := t.messages.Ping(ctx); err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return nil
}

// same tells whether the master that sentinels name still is the server at the other end. A master that was replaced may not know it, and then goes on
// to answer, and tells of nothing.
func (t *teller) same(ctx context.Context) error {
	if t.options.Addr != failoverAddr {
		return nil
	}
	conn, err := t.options.Dialer(ctx, t.options.Network, t.options.Addr)
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	defer func() { _ = conn.Close() }()
	if conn.RemoteAddr().String() != t.address {
		return fmt.Errorf("%w: there is another master", errLost)
	}
	return nil
}

// HandlePushNotification is called with what the server tells: "invalidate" and keys, or nil where all have gone.
func (t *teller) HandlePushNotification(_ context.Context, _ push.NotificationHandlerContext, told []any) error {
	if len(told) < 2 {
		return nil
	}
	names, some := told[1].([]any)
	if !some {
		t.changed(nil)
		return nil
	}
	keys := make([]string, 0, len(names))
	for _, name := range names {
		if key, ours := strings.CutPrefix(fmt.Sprint(name), t.prefix); ours {
			keys = append(keys, key)
		}
	}
	t.changed(keys)
	return nil
}

func (t *teller) close() {
	if t.messages != nil {
		_ = t.messages.Close()
	}
	_ = t.client.Close()
}
