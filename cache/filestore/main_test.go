package filestore_test

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// programVariable tells the test binary that it is one of the programs that tests run, and not the tests.
const programVariable = "FILESTORE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := program(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%q: %v\n", os.Args[1:], err)
		os.Exit(1)
	}
}

func program(name string, args []string) error {
	switch name {
	case "serve":
		return serve(args[0], os.Stdin, os.Stdout)
	case "write":
		return writeUntilKilled(args)
	}
	return fmt.Errorf("there is no program %q", name)
}

// programOf is the command that runs a program. What it writes to its standard error is seen with the tests' output.
func programOf(name string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], append([]string{name}, args...)...)
	c.Env = append(os.Environ(), programVariable+"=1")
	c.Stderr = os.Stderr
	return c
}
