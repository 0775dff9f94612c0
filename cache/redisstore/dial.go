package redisstore

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// maxIdle is below what load balancers allow an idle connection.
	maxIdle = 5 * time.Minute
	// reloadEvery is how old what is known of a cluster may be where nothing fails.
	reloadEvery = 10 * time.Second
	// maxRedirects is how often a command follows a key that moves. One that was redirected was not run, so this has nothing to do with what is retried.
	maxRedirects = 8
)

// dial returns a client of what the URL named. It does no I/O. Nothing is retried: command.go decides what deserves a second try. The pool for
// pipelines is left out, for batches use the connections that there are; and nothing is asked that a server of version 6.2 does not know, which it would answer, and count an
// error, on every connection.
func (t target) dial(timeout time.Duration, greeted func(context.Context, *redis.Conn) error) redis.UniversalClient {
	switch t.kind {
	case "cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: t.addrs, Dialer: t.dialer(timeout), OnConnect: greeted, Username: t.username, Password: t.password, TLSConfig: t.tls,
			ContextTimeoutEnabled: true, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
			MaxRetries: -1, MaxRedirects: maxRedirects, DialerRetries: 1, ConnMaxIdleTime: maxIdle, PipelinePoolSize: -1, DisableIdentity: true,
			MaintNotificationsConfig:   &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
			ClusterStateReloadInterval: reloadEvery,
			DisableRoutingPolicies:     true, // every command here has one key, and COMMAND, which they are read from, may be forbidden
		})
	case "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: t.master, SentinelAddrs: t.addrs, SentinelUsername: t.sentinelUsername, SentinelPassword: t.sentinelPassword,
			Dialer: t.dialer(timeout), OnConnect: greeted, Username: t.username, Password: t.password, DB: t.database, TLSConfig: t.tls,
			ContextTimeoutEnabled: true, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
			// Time for one sentinel that is silent, for asking the others, and for the master.
			DialTimeout: 3 * timeout,
			MaxRetries:  -1, DialerRetries: 1, ConnMaxIdleTime: maxIdle, PipelinePoolSize: -1, DisableIdentity: true,
		})
	}
	network := "tcp"
	if t.kind == "unix" {
		network = "unix"
	}
	return redis.NewClient(&redis.Options{
		Network: network, Addr: t.addrs[0], Dialer: t.dialer(timeout), OnConnect: greeted, Username: t.username, Password: t.password, DB: t.database, TLSConfig: t.tls,
		ContextTimeoutEnabled: true, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
		MaxRetries: -1, DialerRetries: 1, ConnMaxIdleTime: maxIdle, PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// dialer makes connections that are given up at once when they are closed: what was written and not yet sent is thrown away. A
// write that timed out would otherwise still be delivered, by the kernel, after the Delete that was to undo it.
func (t target) dialer(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	dial := redis.NewDialer(&redis.Options{DialTimeout: timeout})
	if t.tls != nil {
		// The client's own would go on with a handshake whose context has ended.
		dial = (&tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: t.tls}).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		raw := conn
		if t, ok := conn.(*tls.Conn); ok {
			raw = t.NetConn()
		}
		if t, ok := raw.(*net.TCPConn); ok {
			err = t.SetLinger(0)
		}
		return conn, err
	}
}
