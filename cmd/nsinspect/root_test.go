package main

import "testing"

// TestCommandNames holds that each command is found by the name in groups.
func TestCommandNames(t *testing.T) {
	for _, g := range groups() {
		for _, c := range g.commands {
			if got := c.make(&app{}).Name(); got != c.name {
				t.Errorf("command %q calls itself %q", c.name, got)
			}
			if found, _, err := newRootFor(&app{}, []string{c.name}).Find([]string{c.name}); err != nil || found.Name() != c.name {
				t.Errorf("nsinspect %s finds %v, %v", c.name, found.Name(), err)
			}
		}
	}
}
