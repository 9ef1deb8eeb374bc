package main

import "nsinspect/inspect"

// linksHost was asked for the links of processes and no more: whatever else a
// view shows was not looked at.
func linksHost() *hostBuilder {
	b := newHost("bare")
	b.observer(700, 0, 1<<41-1, b.init)
	b.proc(701, 1, "", b.enter(b.init, b.ns(inspect.Net, inspect.ID{}).ID, b.ns(inspect.PID, inspect.ID{}).ID))
	s := &b.s
	s.Scope = inspect.NewScope(inspect.FactTasks, nil)
	s.Containers, s.Refs, s.Host.Limits, s.Host.Users = nil, nil, nil, nil
	for i := range s.Processes {
		s.Processes[i].Info = nil
	}
	for i := range s.Namespaces {
		s.Namespaces[i] = inspect.Namespace{ID: s.Namespaces[i].ID, Type: s.Namespaces[i].Type}
	}
	return b
}
