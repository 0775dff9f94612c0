package redistest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestURLIsTheVariablesWhereItIsSet(t *testing.T) {
	const want = "redis://cache.example:6380/7"
	t.Setenv("APP_TEST_REDIS_URL", want)
	if got := redistest.URL(t); got != want {
		t.Errorf("URL is %q, want %q", got, want)
	}
}

func TestURLIsAServerOfTheTestWhereTheVariableIsNotSet(t *testing.T) {
	t.Setenv("APP_TEST_REDIS_URL", "")
	one, other := redistest.Client(t, redistest.URL(t)), redistest.Client(t, redistest.URL(t))
	set(t, one, "k", "v")
	if n := other.Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("two tests share a server")
	}
	if size := one.DBSize(t.Context()).Val(); size != 1 {
		t.Errorf("the server holds %d keys after one was set, want 1", size)
	}
}

func TestAServerEndsWithTheTestThatStartedIt(t *testing.T) {
	for name, act := range map[string]func(*redistest.Server){
		"a running one": func(*redistest.Server) {},
		"a frozen one":  (*redistest.Server).Freeze,
		"a killed one":  (*redistest.Server).Kill,
		"a stopped one": func(s *redistest.Server) { s.Stop(); s.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			var addr string
			t.Run("start", func(t *testing.T) {
				s := redistest.Start(t)
				addr = s.Addr()
				act(s)
			})
			if err := ping(t, "redis://"+addr); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("PING after the test's end gives %v, want a refused connection", err)
			}
		})
	}
}

func TestStartPassesItsArgumentsAndTakesARefusalForAnAnswer(t *testing.T) {
	s := redistest.Start(t, "--requirepass", "x")
	if err := ping(t, s.URL()); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("PING without the password gives %v, want NOAUTH", err)
	}
	if err := ping(t, strings.Replace(s.URL(), "redis://", "redis://:x@", 1)); err != nil {
		t.Errorf("PING with the password gives %v", err)
	}
}

func TestAFrozenServerAnswersNothingUntilItIsThawed(t *testing.T) {
	s := redistest.Start(t)
	client := redistest.Client(t, s.URL())
	set(t, client, "k", "v")

	s.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if value, err := client.Get(ctx, "k").Result(); err == nil {
		t.Errorf("GET of a frozen server gives %q, want an error", value)
	}

	s.Thaw()
	if value, err := client.Get(t.Context(), "k").Result(); value != "v" || err != nil {
		t.Errorf("GET after Thaw gives %q and %v, want what was there", value, err)
	}
}

func TestARestartedServerIsEmptyAndHasTheSameAddress(t *testing.T) {
	for name, before := range map[string]func(*redistest.Server){
		"after Kill":   (*redistest.Server).Kill,
		"after Freeze": (*redistest.Server).Freeze,
		"at once":      func(*redistest.Server) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			addr := s.Addr()
			set(t, redistest.Client(t, s.URL()), "k", "v")
			before(s)
			s.Restart()
			if s.Addr() != addr {
				t.Errorf("the address is %s, want still %s", s.Addr(), addr)
			}
			if size, err := redistest.Client(t, s.URL()).DBSize(t.Context()).Result(); size != 0 || err != nil {
				t.Errorf("DBSIZE gives %d and %v, want 0", size, err)
			}
		})
	}
}

func TestAKilledServerRefusesConnections(t *testing.T) {
	s := redistest.Start(t)
	s.Kill()
	if err := ping(t, s.URL()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("PING gives %v, want a refused connection", err)
	}
}

func TestClientHeedsDeadlinesAndIsClosedWithTheTest(t *testing.T) {
	var client *redis.Client
	t.Run("use", func(t *testing.T) {
		client = redistest.Client(t, redistest.Start(t).URL())
		if !client.Options().ContextTimeoutEnabled {
			t.Error("ContextTimeoutEnabled is false: the client would ignore a caller's deadline")
		}
	})
	if err := client.Ping(t.Context()).Err(); !errors.Is(err, redis.ErrClosed) {
		t.Errorf("PING after the test's end gives %v, want %v", err, redis.ErrClosed)
	}
}

// The test binary runs itself as a process that dies without cleaning up.
func TestAServerDiesWithTheTestProcess(t *testing.T) {
	const child = "REDISTEST_DIE_WITH_A_FROZEN_SERVER"
	if os.Getenv(child) != "" {
		s := redistest.Start(t)
		s.Freeze()
		pid := strconv.Itoa(os.Getpid())
		_, _ = os.Stdout.WriteString("addr=" + s.Addr() + "\n")
		t.Fatal(exec.Command("kill", "-KILL", pid).Run(), "the process outlived its SIGKILL")
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), child+"=1")
	out, err := command.Output()
	if err == nil {
		t.Fatal("the child process ended well, want it killed")
	}
	_, addr, found := strings.Cut(strings.TrimSpace(string(out)), "addr=")
	if !found {
		t.Fatalf("the child process told no address: %q", out)
	}
	wait.Until(t, func() bool { return errors.Is(ping(t, "redis://"+addr), syscall.ECONNREFUSED) })
}

func set(t *testing.T, client *redis.Client, key, value string) {
	t.Helper()
	if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatalf("SET %s: %v", key, err)
	}
}

// ping asks over a connection of its own, once and for at most a second.
func ping(t *testing.T, url string) error {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.ContextTimeoutEnabled, o.MaxRetries, o.DialerRetries = true, -1, 1
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return client.Ping(ctx).Err()
}

func TestRestartFailsTheTestWhereItsPortWasTaken(t *testing.T) {
	failure := &failure{TB: t}
	s := redistest.Start(failure)
	s.Kill()
	l, err := net.Listen("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if got, want := failure.of(s.Restart), "taken by another process"; !strings.Contains(got, want) {
		t.Errorf("Restart failed with %q, want it to say %q", got, want)
	}
}

func TestStartFailsTheTestWithWhatTheServerSaid(t *testing.T) {
	failure := &failure{TB: t}
	got := failure.of(func() { redistest.Start(failure, "--no-such-setting", "1") })
	if want := "Bad directive"; !strings.Contains(got, want) {
		t.Errorf("Start failed with %q, want it to say %q", got, want)
	}
}

func TestStartFailsTheTestWhereThereIsNoServerAndSaysHowToGetOne(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	failure := &failure{TB: t}
	got := failure.of(func() { redistest.Start(failure) })
	for _, want := range []string{"apt-get install redis-server", "brew install redis", "APP_TEST_REDIS_URL"} {
		if !strings.Contains(got, want) {
			t.Errorf("Start failed with %q, want it to say %q", got, want)
		}
	}
}

// failure is a testing.TB that keeps the message of a fatal failure and lets the test go on.
type failure struct {
	testing.TB
	message string
}

// of returns the message with which f fails t, "" if it does not.
func (t *failure) of(f func()) string {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
	return t.message
}

func (t *failure) Fatal(args ...any) {
	t.message = fmt.Sprint(args...)
	runtime.Goexit()
}

func (t *failure) Fatalf(format string, args ...any) {
	t.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
