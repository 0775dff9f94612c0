// Command rename makes a clone of this repository somebody's own: it gives the module another path, and the service the
// name that the path ends in. Run it from the root of the clone:
//
//	go run ./cmd/rename example.com/me/svc
//
// It may be run again, with the same path or with another. Nothing is written unless every file can be rewritten.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	os.Exit(run(".", os.Args[1:], os.Stdout, os.Stderr))
}

// run renames the module in root to the only argument, tells what it did, and returns the exit code.
func run(root string, args []string, out, problems io.Writer) int {
	if len(args) != 1 || args[0] == "" {
		fmt.Fprintln(problems, "usage: task rename MODULE=example.com/me/svc (or: go run ./cmd/rename example.com/me/svc)")
		return 2
	}
	r, err := newRenaming(root, args[0])
	if err == nil {
		err = r.apply()
	}
	if err != nil {
		fmt.Fprintln(problems, "rename:", err)
		return 1
	}
	fmt.Fprintf(out, "module %s is now %s, and the service %s is %s: %d files changed\n", r.oldPath, r.newPath, r.oldName, r.newName, len(r.changes))
	return 0
}
