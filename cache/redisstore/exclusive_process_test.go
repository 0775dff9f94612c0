package redisstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// instanceVariable tells the test binary that it is one more instance of a service, and its name.
const instanceVariable = "REDISSTORE_TEST_INSTANCE"

// source is what instances load from: it counts its calls in Redis, and answers what the test pushes there for that instance.
type source struct {
	client   *redis.Client
	instance string
}

func callsOf(key string) string             { return "calls:" + key }
func answersTo(instance, key string) string { return "answers:" + instance + ":" + key }

// loader waits for its answer; a stubborn one also when its context is done.
func (s source) loader(key string, stubborn bool) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if stubborn {
			ctx = context.WithoutCancel(ctx)
		}
		if err := s.client.Incr(ctx, callsOf(key)).Err(); err != nil {
			return "", err
		}
		for {
			answer, err := s.client.BLPop(ctx, time.Second, answersTo(s.instance, key)).Result()
			switch {
			case err == nil:
				return answer[1], nil
			case ctx.Err() != nil:
				return "", ctx.Err()
			case !errors.Is(err, redis.Nil):
				return "", err
			}
		}
	}
}

// question is what an instance is asked on a line of its standard input: for a key, by so many callers.
type question struct {
	Key      string
	Policy   cache.Policy
	Callers  int
	Patience time.Duration // of the callers; 0 is for ever
	Stubborn bool
}

// answer is what one caller got, on a line of the standard output.
type answer struct {
	Value   string
	Err     string
	TooLate bool // it matched context.DeadlineExceeded
}

func (q question) ask(c *cache.Cache, s source) answer {
	ctx := context.Background()
	if q.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, q.Patience)
		defer cancel()
	}
	value, err := cache.GetOrLoad(ctx, c, q.Key, q.Policy, s.loader(q.Key, q.Stubborn))
	a := answer{Value: value, TooLate: errors.Is(err, context.DeadlineExceeded)}
	if err != nil {
		a.Err = err.Error()
	}
	return a
}

// serveQuestions is the program of an instance: url, the store's, may lead through a proxy.
func serveQuestions(instance, url string, in io.Reader, out io.Writer) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	o.ContextTimeoutEnabled = true
	client := redis.NewClient(o)
	defer client.Close()
	s, err := redisstore.Open(context.Background(), url, &redisstore.Options{Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	c, err := cache.New(s, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	var mu sync.Mutex
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		for range q.Callers {
			go func() {
				a := q.ask(c, source{client, instance})
				mu.Lock()
				defer mu.Unlock()
				_ = json.NewEncoder(out).Encode(a) // fails only where the test has ended
			}()
		}
	}
	return nil
}

// instance is another process with a cache on the same Redis.
type instance struct {
	*exec.Cmd
	name string
	in   io.WriteCloser
	out  *json.Decoder
}

func startInstance(t *testing.T, name, url string) *instance {
	t.Helper()
	i := &instance{Cmd: exec.Command(os.Args[0], url), name: name}
	i.Env = append(os.Environ(), instanceVariable+"="+name)
	i.Stderr = os.Stderr
	out, err := i.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if i.in, err = i.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	i.out = json.NewDecoder(out)
	t.Cleanup(func() { i.kill(t) })
	return i
}

// kill ends it without its knowledge. A second time it does nothing.
func (i *instance) kill(t *testing.T) {
	t.Helper()
	if i.ProcessState != nil {
		return
	}
	if err := i.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = i.Wait() // it was killed
}

func (i *instance) ask(t *testing.T, q question) {
	t.Helper()
	if err := json.NewEncoder(i.in).Encode(q); err != nil {
		t.Fatal(err)
	}
}

// answer is what the next caller gets.
func (i *instance) answer(t *testing.T) answer {
	t.Helper()
	var a answer
	if err := i.out.Decode(&a); err != nil {
		t.Fatalf("%s: %v", i.name, err)
	}
	return a
}

// gets is answer for so many callers, who want value.
func (i *instance) gets(t *testing.T, callers int, value string) {
	t.Helper()
	for range callers {
		if a := i.answer(t); a.Value != value || a.Err != "" {
			t.Errorf("%s: GetOrLoad = %q, %s; want %q", i.name, a.Value, a.Err, value)
		}
	}
}

// service is one of several instances, of which this process is one, called "here".
type service struct {
	server *redistest.Server
	client *redis.Client
	c      *cache.Cache
	here   source
}

func newService(t *testing.T) *service {
	t.Helper()
	server := redistest.Start(t)
	client := redistest.Client(t, server.URL())
	c := over(t, open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second}))
	return &service{server, client, c, source{client, "here"}}
}

func (f *service) start(t *testing.T, name string) *instance {
	return startInstance(t, name, f.server.URL())
}

// push answers a load of that instance's.
func (f *service) push(t *testing.T, instance, key, value string) {
	t.Helper()
	if err := f.client.RPush(t.Context(), answersTo(instance, key), value).Err(); err != nil {
		t.Fatal(err)
	}
}

func (f *service) calls(t *testing.T, key string) int64 {
	t.Helper()
	n, err := f.client.Get(t.Context(), callsOf(key)).Int64()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return n
}

// loading returns when the source has been asked n times.
func (f *service) loading(t *testing.T, key string, n int64) {
	t.Helper()
	wait.Until(t, func() bool { return f.calls(t, key) >= n })
}

func (f *service) wantCalls(t *testing.T, key string, want int64) {
	t.Helper()
	if n := f.calls(t, key); n != want {
		t.Errorf("the source was asked %d times; want %d", n, want)
	}
}

// asks asks here, and returns a channel for what so many callers get.
func (f *service) asks(q question) <-chan answer {
	answers := make(chan answer, q.Callers)
	for range q.Callers {
		go func() { answers <- q.ask(f.c, f.here) }()
	}
	return answers
}
