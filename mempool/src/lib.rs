//! Packet buffers of ringway: they exist from the start and only circulate.
//!
//! # Principles
//!
//! 1. **Closed.** A [`Pool`] maps all its memory once. Nothing here allocates after that.
//! 2. **Linear.** An [`Mbuf`] moves; it is neither `Copy` nor `Clone`, and debug builds panic when one is
//!    dropped on the floor. Whoever holds an `Mbuf` owns the bytes of one buffer.
//! 3. **Local.** One pool belongs to one worker. At every border bytes are copied into a fixed slot of
//!    the other side ([`border`]), so the pool needs no atomic operation.
//! 4. **Counted.** [`Audit`] says where each buffer is, and the sum is exact; [`Budget`] proves before the
//!    start that there are enough.
//!
//! # How buffers move
//!
//! ```text
//!            take                poll                submit              reclaim
//!   Pool ───────────▶ receive ───────────▶ Burst ───────────▶ transmit ───────────▶ Pool
//!                     ring                 │  ▲               ring
//!                                     hold ▼  │ release
//!                                          Held             (give: Burst ──▶ Pool, at any time)
//! ```
//!
//! # Invariants
//!
//! The names are cited by SAFETY comments, assertions and tests.
//!
//! | name | what holds |
//! |---|---|
//! | `INV-CUSTODY` | each index is in exactly one place: the free stack of its pool, one `Mbuf`, or lent to one device |
//! | `INV-HOME` | an `Mbuf` is used only with the pool that made it (checked at each access) |
//! | `INV-FRAME` | `offset + len <= stride - front` for every `Mbuf` |
//! | `INV-OPEN` | the free stack is touched by whoever holds `&mut Pool`, or by the library that it has opened it to ([`Pool::open`]) |
//! | `INV-BUDGET` | the pool holds at least as many buffers as all bounded places together |
//! | `INV-SINGLE-WRITER` | each shared counter and ring index is written by one thread only |
//! | `INV-GRACE` | what was taken out of a reader's reach is written to again only when every reader has passed ([`epoch`]) |
//! | `INV-SLOT` | a slot of a border ring is touched by the producer or the consumer, never by both |

pub mod border;
mod budget;
mod burst;
mod custody;
mod cycles;
pub mod epoch;
mod lending;
mod mbuf;
mod memory;
mod pool;
#[cfg(debug_assertions)]
mod shadow;
pub mod simd;
mod stack;
pub mod table;

pub use budget::{Budget, BudgetError, BudgetLine};
pub use burst::{BURST, Burst};
pub use custody::{Audit, Custody};
pub use cycles::{cycles, cycles_per_second};
pub use lending::{Lender, TooManyLenders};
pub use mbuf::Mbuf;
pub use memory::{GiveBack, HUGE_PAGE, MapError, PageKind, PagePolicy, Region};
pub use pool::{CACHE_LINE, Geometry, HEADROOM, Pool};
pub use stack::StackHandle;
