package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
)

// What looks like a server that is down but is a mistake of whoever set it up. Errors that match one of these match
// [cache.ErrUnavailable] too.
var (
	ErrAuth       = errors.New("wrong user or password")
	ErrPermission = errors.New("the user has no permission")
	ErrDatabase   = errors.New("no such database")
	ErrReadOnly   = errors.New("the server is a read-only replica")
	ErrMemory     = errors.New("the server is out of memory")
	ErrTLS        = errors.New("no TLS connection")
	// ErrGreeting: no connection has come as far as the server's first answer. Most often one side speaks TLS and the other does
	// not, which neither says; a server that was frozen before the first connection looks the same.
	ErrGreeting = errors.New("the server has never answered: it may expect TLS, or not speak it")
)

// What is wrong with a client.
var (
	errNilClient     = errors.New("the client is nil")
	errReadsReplicas = errors.New("the client reads from replicas, which do not have yet what was written: ReadOnly, RouteByLatency and RouteRandomly must be " +
		"false in its redis.ClusterOptions")
)

// errNotTaken is what Take says of an entry that is somebody else's.
var errNotTaken = errors.New("the entry is not one that Take made")

// mistake returns which of the mistakes above err is, or nil. The prefixes are those of Redis 6.2 to 8 and of Valkey.
func mistake(err error) error {
	said := saidBy(err)
	for _, m := range []struct {
		prefix string
		is     error
	}{
		{"WRONGPASS", ErrAuth},
		{"NOAUTH", ErrAuth},
		{"invalid password", ErrAuth},
		{"AUTH", ErrAuth},
		{"Client sent AUTH", ErrAuth},
		{"NOPERM", ErrPermission},
		{"The user executing the script", ErrPermission},
		{"ACL failure in script", ErrPermission},
		{"DB index", ErrDatabase},
		{"invalid DB index", ErrDatabase},
		{"SELECT is not allowed", ErrDatabase},
		{"READONLY", ErrReadOnly},
		{"OOM", ErrMemory},
	} {
		if strings.HasPrefix(said, m.prefix) {
			return m.is
		}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return ErrTLS
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return ErrTLS
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return ErrTLS
	}
	// What crypto/tls calls the operation when either side sent an alert.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return ErrTLS
	}
	return nil
}

// saidBy returns what a server's error says: without "ERR ", and without where in a script it happened, which servers before version 7
// put first.
func saidBy(err error) string {
	const where = "@user_script"
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return ""
	}
	said := strings.TrimPrefix(answer.Error(), "ERR ")
	if !strings.HasPrefix(said, "Error running script") && !strings.HasPrefix(said, where) {
		return said
	}
	return strings.TrimLeft(said[strings.LastIndex(said, where)+len(where):], ": 0123456789-")
}

// unavailable returns err in the terms of the contract. parent is the caller's context, deadline the end of the operation.
func (s *server) unavailable(parent context.Context, deadline time.Time, err error) error {
	if known(err) {
		return err
	}
	if cause := parent.Err(); cause != nil {
		return cause
	}
	if isTimeout(err) {
		// The connection's deadline passes an instant before the context says so.
		if d, ok := parent.Deadline(); ok && !d.After(deadline) {
			return context.DeadlineExceeded
		}
	}
	return fmt.Errorf("%w: %w", cache.ErrUnavailable, s.why(err))
}

// why says what keeps the server from serving.
func (s *server) why(err error) error {
	if isTimeout(err) {
		err := fmt.Errorf("no answer within %v", s.timeout)
		if s.tls && s.strange() {
			err = fmt.Errorf("%w: %w", err, ErrGreeting)
		}
		return err
	}
	if m := mistake(err); m != nil {
		return fmt.Errorf("%w: %w", m, err)
	}
	// A server that does not know a command says all of it.
	if text, _, cut := strings.Cut(err.Error(), ", with args beginning with"); cut && !errors.Is(err, errors.ErrUnsupported) {
		return errors.New(text)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		err := errors.New("the server closed the connection")
		if !s.tls && s.strange() {
			err = fmt.Errorf("%w: %w", err, ErrGreeting)
		}
		return err
	}
	return err
}

// known tells errors that are answers already.
func known(err error) bool {
	for _, answer := range []error{
		cache.ErrClosed, cache.ErrNotFound, cache.ErrTooLarge, cache.ErrUnavailable, cache.ErrNotInteger, cache.ErrOverflow, errNotTaken,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, redis.ErrPoolTimeout) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// dead tells whether the connection was found dead, so that a read deserves another one. A server's answer, a timeout and a
// refusal to connect are not.
func dead(err error) bool {
	if _, ok := errors.AsType[redis.Error](err); ok || isTimeout(err) || errors.Is(err, redis.ErrClosed) {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op != "dial"
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
