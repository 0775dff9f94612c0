// Package rules holds the rules of this house, which are ordinary tests: what may import what, what a package may
// declare, how tests wait, and what lies in the root. A failure names the place, the rule and the reason for it.
//
// The rules follow a renamed module and do not need the example feature. A rule that does not suit the service that
// this repository has become is changed here.
package rules
