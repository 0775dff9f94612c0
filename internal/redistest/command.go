//go:build unix

package redistest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/internal/wait"
)

// patience bounds what this package asks of a server: one that is frozen costs no more.
const patience = 2 * time.Second

// dial connects as the server's clients do.
func (s *Server) dial() (net.Conn, error) {
	dialer := &net.Dialer{Timeout: patience}
	if s.tls != nil {
		return tls.DialWithDialer(dialer, "tcp", s.Addr(), s.tls)
	}
	return dialer.Dial("tcp", s.Addr())
}

// answers tells whether the server answers PING. A refusal for want of a password is an answer too.
func (s *Server) answers() bool {
	conn, err := s.dial()
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(patience)) != nil {
		return false
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	reply := make([]byte, 64)
	n, _ := conn.Read(reply)
	return strings.HasPrefix(string(reply[:n]), "+PONG") || strings.HasPrefix(string(reply[:n]), "-NOAUTH")
}

// do gives command a client that has one connection and tries once, and a context that ends it in time.
func (s *Server) do(command func(ctx context.Context, client *redis.Client) error) error {
	conn, err := s.dial() // here, since go-redis would log it where the server is down
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	client := redis.NewClient(&redis.Options{
		Dialer:   func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Password: s.password, Protocol: 2, DisableIdentity: true,
		PoolSize: 1, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
	})
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return command(ctx, client)
}

// ask sends the server one command and returns the reply, which has the error.
func (s *Server) ask(args ...any) *redis.Cmd {
	reply := redis.NewCmd(s.t.Context(), args...)
	err := s.do(func(ctx context.Context, client *redis.Client) error { return client.Process(ctx, reply) })
	if err != nil {
		reply.SetErr(err)
	}
	return reply
}

// must is ask where an error fails the test.
func (s *Server) must(args ...any) *redis.Cmd {
	s.t.Helper()
	reply := s.ask(args...)
	if err := reply.Err(); err != nil {
		s.t.Fatalf("ask the test's Redis at %s for %v: %v", s.Addr(), args[:min(len(args), 3)], err)
	}
	return reply
}

// until waits until check returns nil, and fails t with its last error where that does not come about.
func until(t testing.TB, what string, check func() error) {
	t.Helper()
	last := errors.New("it was not tried")
	defer func() {
		if last != nil {
			t.Errorf("%s: %v", what, last)
		}
	}()
	wait.Until(t, func() bool {
		last = check()
		return last == nil
	})
}

// argument is the value of the last argument of that name, "" if there is none.
func argument(args []string, name string) string {
	for i, arg := range slices.Backward(args) {
		if arg == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}
