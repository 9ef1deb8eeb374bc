package render

import "github.com/expr-lang/expr/ast"

// guard makes comparisons with what is not known false, and "!=" true,
// instead of an error: it turns "pid > 3" into "pid != nil && pid > 3" "container.name" into "container?.name" and "len(names)" into
// "len(names ?? [])".
type guard struct{}

// guarded are the operators that cannot take nil.
var guarded = map[string]bool{
	"<": true, "<=": true, ">": true, ">=": true, "==": true, "!=": true,
	"contains": true, "startsWith": true, "endsWith": true, "matches": true,
}

// Visit changes one node; its children were visited before.
func (guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		if !n.Optional && !n.Method {
			n.Optional = true
			ast.Patch(node, &ast.ChainNode{Node: n})
		}
	case *ast.BuiltinNode:
		if len(n.Arguments) > 0 {
			n.Arguments[0] = &ast.BinaryNode{Operator: "??", Left: n.Arguments[0], Right: none(n.Name)}
		}
	case *ast.UnaryNode:
		if v, ok := asField(n.Node); ok && (n.Operator == "!" || n.Operator == "not") {
			ast.Patch(node, &ast.BinaryNode{Operator: "&&", Left: isKnown(v), Right: n})
		}
	case *ast.ConditionalNode:
		n.Cond = orFalse(n.Cond)
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and", "||", "or":
			n.Left, n.Right = orFalse(n.Left), orFalse(n.Right)
		}
		if guarded[n.Operator] {
			guardBinary(node, n)
		}
	}
}

// asField returns n where it is a field and not computed from any.
func asField(n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode, *ast.ChainNode:
		return n, true
	}
	return nil, false
}

func isKnown(v ast.Node) ast.Node {
	return &ast.BinaryNode{Operator: "!=", Left: v, Right: &ast.NilNode{}}
}

// orFalse takes a field that is true, false or not known as a condition.
func orFalse(n ast.Node) ast.Node {
	if v, ok := asField(n); ok {
		return &ast.BinaryNode{Operator: "??", Left: v, Right: &ast.BoolNode{}}
	}
	return n
}

// none is what a function takes for a value that is not known.
func none(function string) ast.Node {
	switch function {
	case "lower", "upper", "trim", "split":
		return &ast.StringNode{}
	}
	return &ast.ArrayNode{}
}

// guardBinary puts before b that every field it takes is known.
func guardBinary(node *ast.Node, b *ast.BinaryNode) {
	test, join := "!=", "&&"
	if b.Operator == "!=" {
		test, join = "==", "||"
	}
	var cond ast.Node
	for _, operand := range []ast.Node{b.Left, b.Right} {
		if _, ok := operand.(*ast.NilNode); ok {
			return // it asks just that
		}
		for _, value := range values(operand) {
			next := ast.Node(&ast.BinaryNode{Operator: test, Left: value, Right: &ast.NilNode{}})
			if cond != nil {
				next = &ast.BinaryNode{Operator: join, Left: cond, Right: next}
			}
			cond = next
		}
	}
	if cond != nil {
		ast.Patch(node, &ast.BinaryNode{Operator: join, Left: cond, Right: b})
	}
}

// values returns the fields that n is computed from.
func values(n ast.Node) []ast.Node {
	if v, ok := asField(n); ok {
		return []ast.Node{v}
	}
	switch n := n.(type) {
	case *ast.UnaryNode:
		return values(n.Node)
	case *ast.BinaryNode:
		return append(values(n.Left), values(n.Right)...)
	}
	return nil
}
