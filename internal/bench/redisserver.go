package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"
)

// urlVariable names a Redis to measure on instead of one of the program's own. It may be shared: the program writes below
// prefixes of its own, and takes away what it wrote.
const urlVariable = "APP_TEST_REDIS_URL"

// redisServer is the Redis of this run, with the clients and the entries that the run gives it.
type redisServer struct {
	url      string
	run      string // tells this run's keys from others'
	options  redis.Options
	control  *redis.Client // for all but what is measured
	clients  []*redis.Client
	prefixes []string // of what was written

	proc *leashed // nil where the server is not ours
	dir  string
}

// startRedis returns the Redis that the variable names, or starts one on loopback, empty and without persistence.
func startRedis(ctx context.Context) (*redisServer, error) {
	if url := os.Getenv(urlVariable); url != "" {
		s, err := newRedisServer(url)
		if err == nil {
			err = s.control.Ping(ctx).Err()
		}
		if err != nil {
			return nil, fmt.Errorf("the Redis that %s names: %w", urlVariable, err)
		}
		return s, nil
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if path, err = exec.LookPath("valkey-server"); err != nil {
			return nil, fmt.Errorf("there is neither a redis-server nor a valkey-server in PATH, and %s is not set", urlVariable)
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	s, err := newRedisServer("redis://127.0.0.1:" + port)
	if err != nil {
		return nil, err
	}
	if err := s.start(path, port); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", path, err), s.stop(ctx))
	}
	if err := s.ready(ctx); err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return nil, errors.Join(fmt.Errorf("start %s: %w\n%s", path, err, log), s.stop(ctx))
	}
	return s, nil
}

func newRedisServer(url string) (*redisServer, error) {
	o, err := redisOptions(url)
	if err != nil {
		return nil, err
	}
	s := &redisServer{url: url, run: strings.ToLower(rand.Text()[:10]), options: *o}
	s.control = s.client()
	return s, nil
}

func (s *redisServer) start(path, port string) (err error) {
	if s.dir, err = os.MkdirTemp("", "bench-redis-"); err != nil {
		return err
	}
	s.proc, err = startLeashed(leashKill, nil, nil, path, "--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--logfile", filepath.Join(s.dir, "log"),
		"--save", "", "--appendonly", "no", "--daemonize", "no")
	return err
}

// ready waits until the server listens, and makes sure that it is ours: another could have taken the port meanwhile.
func (s *redisServer) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	if err := awaitListener(ctx, s.options.Addr); err != nil {
		return err
	}
	config, err := s.control.ConfigGet(ctx, "dir").Result()
	if err == nil && config["dir"] != s.dir {
		err = fmt.Errorf("its port was taken by another server, in %q", config["dir"])
	}
	return err
}

// stop takes away what the run wrote, or the server with it, and returns when that is done.
func (s *redisServer) stop(ctx context.Context) error {
	var err error
	if s.proc == nil {
		err = s.clear(context.WithoutCancel(ctx))
	}
	for _, c := range s.clients {
		err = errors.Join(err, c.Close())
	}
	if s.proc != nil {
		s.proc.stop()
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *redisServer) clear(ctx context.Context) error {
	for _, prefix := range s.prefixes {
		store, err := s.store(prefix)
		if err == nil {
			err = store.Clear(ctx, "")
		}
		if err != nil {
			return fmt.Errorf("remove the entries of this run, whose keys begin with %q: %w", prefix, err)
		}
	}
	return nil
}

// describe is the server's version, and whose it is.
func (s *redisServer) describe(ctx context.Context) string {
	whose := "started for this run, on loopback, without persistence"
	if s.proc == nil {
		whose = "the one that " + urlVariable + " names"
	}
	info, _ := s.control.Info(ctx, "server").Result() // without it the version stays unknown
	name, version := "valkey", field(info, "valkey_version")
	if version == "" {
		name, version = "redis", field(info, "redis_version")
	}
	return strings.TrimSpace(name+" "+version) + ", " + whose
}
