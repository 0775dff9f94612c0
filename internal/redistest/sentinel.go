//go:build unix

package redistest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	masterName = "mymaster"
	sentinels  = 3
	quorum     = 2
)

// Sentinels are three Redis Sentinels of the test's own and what they watch by the name mymaster: a master and its
// replica, both on loopback.
//
// A master that was killed or frozen is failed over from within about three seconds. A data server that comes back
// afterwards, or is restarted at any time, starts as a master of its own, empty, and is made a replica of the present
// one by the sentinels within about two seconds.
//
// The methods are for the goroutine that runs the test.
type Sentinels struct {
	t        testing.TB
	servers  []*Server
	watchers []*Server
}

// StartSentinel starts a master, a replica of it and three sentinels, and returns when the replica is in sync and all
// the sentinels know it and each other.
//
// The args go to the two servers that hold the data, as with Start. Where they set a password with --requirepass the
// servers and the sentinels use it among each other. The sentinels themselves ask for none. The server must be of
// version 7.0 or later.
func StartSentinel(t testing.TB, args ...string) *Sentinels {
	t.Helper()
	common := []string{"--repl-diskless-sync-delay", "0"} // else a replica's first copy takes five seconds
	if password := argument(args, "--requirepass"); password != "" {
		common = append(common, "--masterauth", password)
	}
	args = append(common, args...)
	s := &Sentinels{t: t, servers: []*Server{Start(t, args...), Start(t, args...)}}
	master, replica := s.servers[0], s.servers[1]
	// Not an argument, which Restart would repeat when the two have changed places.
	replica.must("REPLICAOF", "127.0.0.1", master.port)
	until(t, "start a replica for the test", func() error {
		return says(replica, "master_link_status:up", "INFO", "replication")
	})
	for range sentinels {
		s.watchers = append(s.watchers, startSentinel(t, master))
	}
	for _, watcher := range s.watchers {
		until(t, "start Redis Sentinels for the test", func() error {
			return errors.Join(
				says(watcher, fmt.Sprintf("OK %d usable Sentinels", sentinels), "SENTINEL", "CKQUORUM", masterName),
				says(watcher, "master-link-status ok", "SENTINEL", "REPLICAS", masterName),
			)
		})
	}
	return s
}

// startSentinel starts one sentinel, which looks and speaks more often than it would by itself.
func startSentinel(t testing.TB, master *Server) *Server {
	t.Helper()
	s := newServer(t, nil)
	s.ready = "Sentinel ID is"
	s.launch(1, func(ports []int) []string {
		lines := []string{
			"bind 127.0.0.1", "port " + strconv.Itoa(ports[0]), "dir " + s.dir,
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d %d", masterName, master.port, quorum),
			"sentinel down-after-milliseconds " + masterName + " 750",
			"sentinel failover-timeout " + masterName + " 2000",
			"sentinel parallel-syncs " + masterName + " 1",
		}
		if master.password != "" {
			lines = append(lines, "sentinel auth-pass "+masterName+" "+strconv.Quote(master.password))
		}
		conf := filepath.Join(s.dir, "sentinel.conf") // the sentinel's own from now on: Restart finds what it wrote
		if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatalf("configure a Redis Sentinel for the test: %v", err)
		}
		return []string{conf, "--sentinel"}
	})
	// By themselves they tell each other what they see every 2 s and look who is a master every 10 s, and after a pause
	// of 2 s, which a busy machine makes, they do nothing for 30 s. They ping as seldom as they may miss an answer, so
	// that a server which closes their connection, as one does when it is promoted, seems down. PING-PERIOD has a lower
	// bound: a replica that was heard of more than five periods ago is not promoted, and it is asked once a second.
	s.must("SENTINEL", "DEBUG", "PING-PERIOD", 250, "INFO-PERIOD", 300, "PUBLISH-PERIOD", 300, "TILT-TRIGGER", 20000)
	return s
}

// says returns an error unless the server's reply, as text, has want in it.
func says(s *Server, want string, command ...any) error {
	reply, err := s.ask(command...).Result()
	if err != nil {
		return fmt.Errorf("ask %s for %v: %w", s.Addr(), command, err)
	}
	if text := fmt.Sprint(reply); !strings.Contains(text, want) {
		return fmt.Errorf("%s does not answer %v with %q, but with %s", s.Addr(), command, want, text)
	}
	return nil
}

// URL returns the URL that names the sentinels and the master, redis+sentinel://host:port,host:port,host:port/mymaster,
// without a password.
func (s *Sentinels) URL() string {
	return "redis+sentinel://" + addresses(s.watchers) + "/" + masterName
}

// Servers returns the two servers that hold the data, always in the same order: first the one that was the master at
// the start.
func (s *Sentinels) Servers() []*Server { return slices.Clone(s.servers) }

// Sentinels returns the three sentinels. One that is frozen or killed leaves the others able to fail over. One that is
// restarted knows what it knew, but is slower than the others to see and to tell what is new.
func (s *Sentinels) Sentinels() []*Server { return slices.Clone(s.watchers) }

// Master returns the one of Servers that is the master by the word of the first sentinel that answers.
func (s *Sentinels) Master() *Server {
	s.t.Helper()
	err := errors.New("there is none")
	for _, watcher := range s.watchers {
		var master *Server
		if master, err = s.masterBy(watcher); err == nil {
			return master
		}
	}
	s.t.Fatalf("ask the test's Redis Sentinels for the master: %v", err)
	return nil
}

func (s *Sentinels) masterBy(watcher *Server) (*Server, error) {
	addr, err := watcher.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName).StringSlice()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.servers, func(server *Server) bool { return strings.Join(addr, ":") == server.Addr() })
	if i < 0 {
		return nil, fmt.Errorf("the sentinel at %s names a stranger: %q", watcher.Addr(), addr)
	}
	return s.servers[i], nil
}

// Failover has the sentinels make the replica the master and the master a replica, and returns when all those that
// answer name the new master, and it takes writes. Both data servers must run.
func (s *Sentinels) Failover() {
	s.t.Helper()
	const what = "fail over to the replica in the test"
	old := s.Master()
	until(s.t, what, func() error { // it is refused while the replica has not been seen lately
		err := errors.New("there is no sentinel")
		for _, watcher := range s.watchers {
			if err = watcher.ask("SENTINEL", "FAILOVER", masterName).Err(); err == nil {
				break
			}
		}
		return err
	})
	until(s.t, what, func() error {
		err := errors.New("no sentinel answers")
		for _, watcher := range s.watchers {
			master, silent := s.masterBy(watcher)
			if silent != nil {
				continue
			}
			if master == old {
				return fmt.Errorf("the sentinel at %s still names the old master", watcher.Addr())
			}
			// A replica refuses it, and the key that it would delete is nobody's.
			if err = master.ask("DEL", "redistest:no-such-key").Err(); err != nil {
				return err
			}
		}
		return err
	})
}
