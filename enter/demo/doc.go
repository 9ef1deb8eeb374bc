// Package demo carries out the classic experiments with namespaces: each
// starts a process inside of a new namespace and one outside, does something
// on one side, and asks both what they see of it. The verdict is computed from
// the two answers.
//
// Processes of an experiment are nsinspect itself, started through package
// enter, and take orders over a pipe ([Launch], [Act]). They end when the pipe
// closes, so nothing is left behind however nsinspect ends. What an experiment
// would change on the host, such as its hostname, is changed in namespaces that
// stand for the host: the host itself stays as it is.
package demo
