// Package enter runs a command in namespaces of another process and in new
// ones.
//
// It works in four parts. [Look] reads what must be known of the caller and
// of the target and holds on to both. [Make] turns a [Request] and these
// [Facts] into a [Plan]: the steps in their order, in words, with what each
// needs; it is a pure function and touches nothing. [Plan.Check] tells in
// advance what the kernel would refuse, and why. [Run] compiles the steps into
// a program for package stage and becomes it; it returns only when that
// failed, or after the command with a terminal of its own.
//
// See setns(2), unshare(2), namespaces(7) and docs/enter.md.
package enter
