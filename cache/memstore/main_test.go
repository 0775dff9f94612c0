package memstore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/larder-go/larder/cache/memstore"
)

func TestMain(m *testing.M) {
	if ttl, err := time.ParseDuration(os.Getenv("MEMSTORE_TEST_TTL")); err == nil {
		os.Exit(getTwice(ttl))
	}
	goleak.VerifyTestMain(m)
}

// getTwice is a program that sets an entry with the lifetime ttl, tells whether it finds it, reads a line and tells it again.
func getTwice(ttl time.Duration) int {
	s, err := memstore.New(nil)
	if err == nil {
		err = s.Set(context.Background(), "key", []byte("value"), ttl)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	get := func() {
		_, found, err := s.Get(context.Background(), "key")
		fmt.Println(found, err)
	}
	get()
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	get()
	return 0
}
