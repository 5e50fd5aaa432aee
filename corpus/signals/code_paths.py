"""What the path of a file in a repository says of it: its language, whether it is somebody else's, made by a program, or a
licence.

Names of languages are GitHub Linguist's. What it gives up: languages that share an ending are told apart for `.h`, `.m` and
`.ts` alone; of the others the more common one is taken.
"""

from __future__ import annotations

import re

_ENDINGS = """
Ada: adb ads | AsciiDoc: adoc asciidoc | Assembly: asm s nasm | Awk: awk | Batchfile: bat cmd | C#: cs csx
| C++: cc cpp cxx c++ hh hpp hxx inl | C: c h | Clojure: clj cljs cljc edn | CMake: cmake | COBOL: cob cbl
| CoffeeScript: coffee | Common Lisp: lisp cl | Crystal: cr | CSS: css | CSV: csv | Cuda: cu cuh | Cython: pyx pxd
| D: d | Dart: dart | Diff: diff patch | Dockerfile: dockerfile | Elixir: ex exs | Elm: elm | Emacs Lisp: el
| Erlang: erl hrl | F#: fs fsi fsx | Fortran: f f90 f95 f03 f08 for | GLSL: glsl vert frag | Go: go | Gradle: gradle
| GraphQL: graphql gql | Groovy: groovy | Haskell: hs lhs | HCL: tf hcl tfvars | HTML: html htm xhtml | Idris: idr
| INI: ini cfg | Java: java | JavaScript: js mjs cjs | JSON: json | JSX: jsx | Julia: jl | Jupyter Notebook: ipynb
| Kotlin: kt kts | Less: less | Lua: lua | Makefile: mk mak | Markdown: md markdown | Mathematica: wl nb | MATLAB: m
| Nim: nim | Nix: nix | Objective-C++: mm | OCaml: ml mli | Pascal: pas pp | Perl: pl pm | PHP: php
| PowerShell: ps1 psm1 psd1 | Prolog: pro | Protocol Buffer: proto | Python: py pyi pyw | R: r rmd | Racket: rkt
| reStructuredText: rst | Ruby: rb rake gemspec | Rust: rs | Sass: sass | Scala: scala sc sbt | Scheme: scm ss
| SCSS: scss | Shell: sh bash zsh ksh | Smalltalk: st | Solidity: sol | SQL: sql | Stan: stan | Standard ML: sml
| Starlark: bzl | Stata: do ado | Svelte: svelte | SVG: svg | Swift: swift | SystemVerilog: sv svh | Tcl: tcl
| TeX: tex sty cls bib | Text: txt | Thrift: thrift | TOML: toml | TSX: tsx | TypeScript: ts mts cts | Verilog: v vh
| VHDL: vhd vhdl | Vim Script: vim | Visual Basic .NET: vb | Vue: vue | WebAssembly: wat wast | XML: xml xsd
| XSLT: xsl xslt | YAML: yml yaml | Zig: zig
"""
_NAMES = {
    "dockerfile": "Dockerfile", "containerfile": "Dockerfile", "makefile": "Makefile", "gnumakefile": "Makefile",
    "cmakelists.txt": "CMake", "rakefile": "Ruby", "gemfile": "Ruby", "podfile": "Ruby", "vagrantfile": "Ruby",
    "brewfile": "Ruby", "jenkinsfile": "Groovy", "build": "Starlark", "build.bazel": "Starlark", "workspace": "Starlark",
    "snakefile": "Python", "sconstruct": "Python", "sconscript": "Python", "go.mod": "Go Module",
    "go.sum": "Go Checksums", "pkgbuild": "Shell", ".bashrc": "Shell", ".profile": "Shell", ".zshrc": "Shell",
    ".vimrc": "Vim Script", "cargo.lock": "TOML", "pipfile": "TOML", "configure.ac": "M4", "justfile": "Just",
}
_SHEBANGS = {
    "sh": "Shell", "bash": "Shell", "zsh": "Shell", "ksh": "Shell", "dash": "Shell", "python": "Python",
    "node": "JavaScript", "deno": "TypeScript", "perl": "Perl", "ruby": "Ruby", "php": "PHP", "rscript": "R",
    "julia": "Julia", "lua": "Lua", "awk": "Awk", "gawk": "Awk", "tclsh": "Tcl", "make": "Makefile", "groovy": "Groovy",
    "runghc": "Haskell", "guile": "Scheme", "racket": "Racket", "escript": "Erlang", "elixir": "Elixir", "swift": "Swift",
    "pwsh": "PowerShell",
}
_PROSE = ("Text", "Markdown", "reStructuredText", "HTML", "AsciiDoc")
_FIRST_LINE = 200       # characters of it that are looked at
_SHEBANG = re.compile(r"#!\s*(?:\S*/)?(?:env\s+(?:-S\s+)?(?:\w+=\S*\s+)*)?(?:\S*/)?([A-Za-z]+)")
_CPP = re.compile(
    r"^[ \t]*(?:class\s+\w|namespace\b|template\s*<|using\s+\w|public:|private:"
    r"|#include\s*<(?:iostream|string|vector)>)", re.M)
_OBJECTIVE_C = re.compile(r"^[ \t]*(?:@(?:interface|implementation|protocol|end|class)\b|#import\b)", re.M)

_VENDORED = re.compile(
    r"(?:^|/)(?:node_modules|bower_components|vendor|vendors|third[-_]?party|3rd[-_]?party|externals?|site-packages|"
    r"dist-packages|\.?venv|virtualenv|pods|carthage|godeps|jspm_packages|\.yarn|dist|wp-includes|wp-admin)/"
    r"|(?:^|/)(?:gradlew(?:\.bat)?|mvnw(?:\.cmd)?|configure|config\.(?:guess|sub)|ltmain\.sh|aclocal\.m4)$"
    r"|(?:^|/)(?:jquery|bootstrap|angular|d3|modernizr|underscore|lodash|backbone|prototype|raphael|three)(?:[-.]\d[\w.]*)?"
    r"(?:\.min)?\.(?:js|css)$", re.I)
_GENERATED = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lock|cargo\.lock|poetry\.lock|uv\.lock|"
    r"pipfile\.lock|composer\.lock|gemfile\.lock|podfile\.lock|mix\.lock|pubspec\.lock|flake\.lock|go\.sum|packages\.lock\.json)$"
    r"|\.(?:js|css|mjs|ts)\.map$|_pb2(?:_grpc)?\.pyi?$|\.pb(?:\.gw)?\.(?:go|cc|h)$|\.pb-c\.[ch]$|_grpc\.pb\.go$"
    r"|\.g(?:\.part)?\.dart$|\.freezed\.dart$|\.designer\.(?:cs|vb)$|\.g\.cs$|\.generated\.\w+$|(?:^|/)__generated__/|_generated\.\w+$|\.snap$"
    r"|(?:^|/)zz_generated\.\w+\.go$|(?:^|/)moc_\w+\.cpp$|(?:^|/)ui_\w+\.h$", re.I)
_MINIFIED = re.compile(r"[-.]min\.(?:js|css|mjs|html)$", re.I)
_LICENCE = re.compile(r"(?:(?:un)?licen[sc]es?|copying)(?:[-._ ].*)?|.*[-._](?:licen[sc]e)", re.I)


def _by_ending() -> dict[str, str]:
    found = {}
    for entry in _ENDINGS.replace("\n", " ").split(" | "):
        name, _, endings = entry.strip().partition(": ")
        found |= {ending: name for ending in endings.split()}
    return found


ENDINGS = _by_ending()


def language_of(path: str, text: str) -> str | None:
    """The language of a file by its name, its ending, or the program that its first line calls; None where none says it."""
    name = path.rpartition("/")[2].lower()
    if name in _NAMES:
        return _NAMES[name]
    ending = name.rpartition(".")[2] if "." in name else ""
    if name.startswith(("dockerfile.", "makefile.")):
        return _NAMES[name.partition(".")[0]]
    found = ENDINGS.get(ending)
    if found is None:
        called = _SHEBANG.match(text[:_FIRST_LINE])
        return _SHEBANGS.get(called[1].lower()) if called else None
    if ending == "h":
        return "Objective-C" if _OBJECTIVE_C.search(text) else "C++" if _CPP.search(text) else found
    if ending == "m":
        return "Objective-C" if _OBJECTIVE_C.search(text) else found
    if ending == "ts" and text.lstrip()[:5] in ("<?xml", "<!DOC"):
        return "XML"
    return found


def is_licence(path: str) -> bool:
    """Whether a file is named as a licence is, and is no program of that name."""
    name = path.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    language = ENDINGS.get(ending.lower()) if stem else None
    return language in (None, *_PROSE) and bool(_LICENCE.fullmatch(stem if language else name))


def is_vendored(path: str) -> bool:
    """Whether a file lies where projects keep copies of other projects, or is a copy of a well-known one."""
    return bool(_VENDORED.search(path))


def is_generated(path: str) -> bool:
    """Whether a file is named as those are that programs write: lock files, maps, compiled schemas."""
    return bool(_GENERATED.search(path))


def is_minified(path: str) -> bool:
    return bool(_MINIFIED.search(path))
