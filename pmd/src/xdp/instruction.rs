//! A small assembler for BPF: what the program of [`super::program`] is written in.
//!
//! Read first: RFC 9669, "BPF Instruction Set Architecture (ISA)".

/// A register. R1 to R5 are arguments and lost in a call, R6 to R9 are kept, R10 is the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Register {
    R0 = 0,
    R1 = 1,
    R2 = 2,
    R3 = 3,
    R6 = 6,
    R7 = 7,
    R8 = 8,
    Frame = 10,
}

/// Bytes that a load or store moves, as the instruction's code says it (RFC 9669, section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Size {
    One = 0x10,
    Two = 0x08,
    Four = 0x00,
    Eight = 0x18,
}

/// One instruction, as the kernel reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

const _: () = assert!(size_of::<Instruction>() == 8, "RFC 9669, section 3: 64 bits an instruction");

/// A place that jumps go to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label(usize);

/// A program being written.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Vec<Instruction>,
    jumps: Vec<(usize, Label)>,
    labels: Vec<Option<usize>>,
}

impl Assembler {
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The next instruction is where the label's jumps go.
    pub fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.code.len());
    }

    fn emit(&mut self, code: u8, to: Register, from: u8, offset: i16, immediate: i32) {
        // The halves of the octet of registers are the other way round on a big-endian machine.
        let registers = if cfg!(target_endian = "little") { from << 4 | to as u8 } else { (to as u8) << 4 | from };
        self.code.push(Instruction { code, registers, offset, immediate });
    }

    fn jump(&mut self, code: u8, left: Register, right: u8, immediate: i32, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.emit(code, left, right, 0, immediate);
    }

    pub fn set(&mut self, to: Register, value: i32) {
        self.emit(0xb7, to, 0, 0, value);
    }

    pub fn copy(&mut self, to: Register, from: Register) {
        self.emit(0xbf, to, from as u8, 0, 0);
    }

    pub fn add(&mut self, to: Register, value: i32) {
        self.emit(0x07, to, 0, 0, value);
    }

    /// Turns a 16-bit number into network byte order.
    pub fn network_order(&mut self, register: Register) {
        self.emit(0xdc, register, 0, 0, 16);
    }

    pub fn load(&mut self, size: Size, to: Register, from: Register, offset: i16) {
        self.emit(0x61 | size as u8, to, from as u8, offset, 0);
    }

    pub fn store(&mut self, size: Size, to: Register, offset: i16, from: Register) {
        self.emit(0x63 | size as u8, to, from as u8, offset, 0);
    }

    /// The address of a map, or, with `value`, of the value of an array's only element.
    pub fn map(&mut self, to: Register, descriptor: i32, value: bool) {
        self.emit(0x18, to, if value { 2 } else { 1 }, 0, descriptor);
        self.emit(0, Register::R0, 0, 0, 0);
    }

    /// Calls one of the kernel's helpers by number.
    pub fn call(&mut self, helper: i32) {
        self.emit(0x85, Register::R0, 0, 0, helper);
    }

    /// Calls a function of the kernel by the number of its type (BTF).
    pub fn call_kernel(&mut self, function: u32) {
        self.emit(0x85, Register::R0, 2, 0, function as i32);
    }

    pub fn go(&mut self, label: Label) {
        self.jump(0x05, Register::R0, 0, 0, label);
    }

    pub fn go_if_equal(&mut self, left: Register, right: i32, label: Label) {
        self.jump(0x15, left, 0, right, label);
    }

    pub fn go_unless_equal(&mut self, left: Register, right: i32, label: Label) {
        self.jump(0x55, left, 0, right, label);
    }

    pub fn go_unless_same(&mut self, left: Register, right: Register, label: Label) {
        self.jump(0x5d, left, right as u8, 0, label);
    }

    pub fn go_if_greater(&mut self, left: Register, right: Register, label: Label) {
        self.jump(0x2d, left, right as u8, 0, label);
    }

    pub fn go_if_any_bit(&mut self, left: Register, bits: i32, label: Label) {
        self.jump(0x45, left, 0, bits, label);
    }

    pub fn exit(&mut self) {
        self.emit(0x95, Register::R0, 0, 0, 0);
    }

    /// The finished program, its jumps resolved: an offset counts from the instruction after the jump.
    pub fn finish(mut self) -> Vec<Instruction> {
        for (at, label) in self.jumps {
            let target = self.labels[label.0].expect("INV: every label that is jumped to is placed");
            let distance = target as isize - at as isize - 1;
            self.code[at].offset = i16::try_from(distance).expect("INV: programs are short");
        }
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_go_to_their_labels() {
        let mut assembler = Assembler::default();
        let (back, out) = (assembler.label(), assembler.label());
        assembler.place(back);
        assembler.set(Register::R0, 2);
        assembler.go_if_equal(Register::R0, 1, out);
        assembler.go(back);
        assembler.place(out);
        assembler.exit();
        let offsets: Vec<_> = assembler.finish().iter().map(|instruction| instruction.offset).collect();
        assert_eq!(offsets, [0, 1, -3, 0]);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn instructions_are_encoded_as_the_rfc_says() {
        let mut assembler = Assembler::default();
        assembler.load(Size::Four, Register::R2, Register::R1, 16);
        assembler.store(Size::Eight, Register::Frame, -8, Register::R2);
        assembler.map(Register::R1, 5, false);
        let code = assembler.finish();
        assert_eq!(code[0], Instruction { code: 0x61, registers: 0x12, offset: 16, immediate: 0 });
        assert_eq!(code[1], Instruction { code: 0x7b, registers: 0x2a, offset: -8, immediate: 0 });
        assert_eq!(code[2], Instruction { code: 0x18, registers: 0x11, offset: 0, immediate: 5 });
        assert_eq!(code.len(), 4);
    }
}
