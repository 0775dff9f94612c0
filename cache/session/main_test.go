package session_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or, in a process that a test has started, what that does.
func TestMain(m *testing.M) {
	if task := os.Getenv(processTask); task != "" {
		said, err := runProcess(task)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(said)
		return
	}
	goleak.VerifyTestMain(m)
}
