package cache_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine that a cache begins ends: with its load, or with Close.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
