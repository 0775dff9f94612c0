package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// readerCommand is the argument that makes this program the reader of another run of it.
const readerCommand = "reader"

// assignment is what a reader does, the first line of its standard input. It holds the URL because arguments are public and a URL
// may hold a password.
type assignment struct {
	URL     string
	Prefix  string
	Keys    int // how many entries there are behind the prefix
	Readers int // how many read at once, each on a connection of its own
}

// A reader is another client of the server, in a process of its own so that it shares no scheduler and no collector with what it
// is to be disturbed by. It reads entries one after another, on one connection or several at once, and never rests.
type reader struct{ child *child }

// startReader returns a reader that has begun.
func startReader(ctx context.Context, a assignment) (*reader, error) {
	c, err := startChild(ctx, "the reader", readerCommand, a)
	if err != nil {
		return nil, err
	}
	return &reader{c}, nil
}

// lap returns how long the reads that ended since the last lap took, one at least, and begins the next one.
func (r *reader) lap() (s summary, err error) {
	err = r.child.ask(&s)
	return s, err
}

func (r *reader) stop() error { return r.child.stop() }

// read is the reader's side: for each line of in it writes the summary of a lap to out.
func read(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	first, err := lines.ReadString('\n')
	if err != nil {
		return err
	}
	var a assignment
	if err := json.NewDecoder(strings.NewReader(first)).Decode(&a); err != nil {
		return err
	}
	o, err := redisOptions(a.URL)
	if err != nil {
		return err
	}
	o.PoolSize = a.Readers
	client := redis.NewClient(o)
	defer client.Close()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loops := make([]loop, a.Readers)
	failed := make(chan error, len(loops))
	for i := range loops {
		go func() { failed <- loops[i].run(ctx, client, a) }()
	}
	asked := make(chan error)
	go func() {
		for err == nil {
			_, err = lines.ReadByte()
			asked <- err
		}
	}()
	answers := json.NewEncoder(out)
	for {
		select {
		case err := <-failed:
			return err
		case err := <-asked:
			if err != nil {
				return nil // the end
			}
		}
		lap, err := takeLap(loops, failed)
		if err == nil {
			err = answers.Encode(lap.summary())
		}
		if err != nil {
			return err
		}
	}
}

// takeLap takes what the loops have measured, one read at least.
func takeLap(loops []loop, failed <-chan error) (latencies, error) {
	var lap latencies
	for len(lap.taken) == 0 {
		select {
		case err := <-failed:
			return lap, err
		default:
			runtime.Gosched()
		}
		for i := range loops {
			loops[i].take(&lap)
		}
	}
	return lap, nil
}

// loop reads on one connection.
type loop struct {
	mu    sync.Mutex // held for an append only
	times latencies
}

func (l *loop) run(ctx context.Context, client *redis.Client, a assignment) error {
	l.mu.Lock()
	l.times.taken = make([]float64, 0, 1<<20/a.Readers) // room for seconds of reads, so that no growth disturbs them
	l.mu.Unlock()
	conn := client.Conn()
	defer conn.Close()
	for {
		key := a.Prefix + entryKey(rand.IntN(a.Keys))
		begin := time.Now()
		if err := conn.Get(ctx, key).Err(); err != nil {
			return err
		}
		took := time.Since(begin)
		l.mu.Lock()
		l.times.add(took)
		l.mu.Unlock()
	}
}

// take moves what was measured to lap.
func (l *loop) take(lap *latencies) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lap.taken = append(lap.taken, l.times.taken...)
	l.times.reset()
}
