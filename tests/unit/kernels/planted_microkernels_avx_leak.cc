// An instruction-set object that breaks the rule, to prove that tests/check_isa_symbols.sh sees it:
// an inline function that is not inlined becomes a symbol that other code could be linked to.

namespace quire::kernels::cpu {

inline int Leaked() { return 1; }
int (*planted)() = &Leaked;

}  // namespace quire::kernels::cpu
