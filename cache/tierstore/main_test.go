package tierstore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/tierstore"
)

func TestMain(m *testing.M) {
	logging.Disable() // what the client says of the servers that the tests break
	if url := os.Getenv("TIERSTORE_TEST_URL"); url != "" {
		os.Exit(getForEveryLine(url))
	}
	goleak.VerifyTestMain(m)
}

// getForEveryLine is a program that reads an entry for every line that it is given, and tells what it finds.
func getForEveryLine(url string) int {
	told := make(chan error, 100)
	near, err := memstore.New(nil)
	if err != nil {
		return 1
	}
	far, err := redisstore.Open(context.Background(), url, nil)
	if err != nil {
		return 1
	}
	s, err := tierstore.New(near, far, &tierstore.Options{OnTracking: func(err error) { told <- err }})
	if err != nil {
		return 1
	}
	defer func() { _ = s.Close() }()
	if err := <-told; err != nil {
		fmt.Println(err)
		return 1
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		value, found, _ := s.Get(context.Background(), "key")
		fmt.Println(string(value), found)
	}
	return 0
}
