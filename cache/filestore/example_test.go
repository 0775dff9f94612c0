package filestore_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
)

// Entries outlast the process that stored them.
func Example() {
	dir, err := os.MkdirTemp("", "larder-example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	for _, process := range []string{"first", "second"} {
		s, err := filestore.Open(dir, &filestore.Options{Sync: filestore.SyncFull, Timeout: time.Minute})
		if err != nil {
			fmt.Println(err)
			return
		}
		c, err := cache.New(s, nil) // owns s
		if err != nil {
			fmt.Println(err)
			return
		}
		value, found, err := c.Get(ctx, "stored by")
		fmt.Printf("%s: %q %t %v\n", process, value, found, err)
		fmt.Println(c.Set(ctx, "stored by", []byte("the "+process+" process"), time.Hour))
		fmt.Println(c.Close())
	}
	// Output:
	// first: "" false <nil>
	// <nil>
	// <nil>
	// second: "the first process" true <nil>
	// <nil>
	// <nil>
}

// A directory that cannot be used is named.
func ExampleOpen() {
	_, err := filestore.Open("/dev/null/cache", nil)
	fmt.Println(err)
	// Output:
	// filestore: open: mkdir /dev/null: not a directory
}
