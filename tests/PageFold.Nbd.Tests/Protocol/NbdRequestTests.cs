using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Tests.Protocol;

/// <summary>Request headers, which may hold anything.</summary>
public class NbdRequestTests
{
    private static readonly Gen<ulong> Offsets = Gen.OneOf(
        Gen.ULong, Gen.ULong[0, 5000], Gen.ULong[ulong.MaxValue - 5000, ulong.MaxValue], Gen.Const((ulong)long.MaxValue));
    private static readonly Gen<uint> Lengths = Gen.OneOf(
        Gen.UInt, Gen.UInt[0, 5000], Gen.UInt[(32 << 20) - 1, (32 << 20) + 1], Gen.Const(uint.MaxValue));
    private static readonly Gen<long> Sizes = Gen.OneOf(Gen.Long[1, 5000], Gen.Long[1, 1L << 48], Gen.Const(long.MaxValue));

    [Fact]
    public void Each_field_is_read_from_its_place() =>
        Gen.Select(Gen.UShort, Gen.UShort, Gen.ULong, Gen.ULong, Gen.UInt).Sample((flags, command, cookie, offset, length) =>
        {
            byte[] header = Wire.Request(command, flags, cookie, offset, length);
            Assert.True(NbdRequest.TryParse(header, out NbdRequest request));
            Assert.Equal(new NbdRequest((CommandFlags)flags, (NbdCommand)command, cookie, offset, length), request);
            Assert.Equal(command == Command.Write ? length : 0, request.PayloadLength);
        });

    [Fact]
    public void Only_the_magic_number_makes_a_request() =>
        Gen.Select(Gen.Byte.Array[28], Gen.Int[0, 3]).Sample((header, changed) =>
        {
            Wire.U32(Wire.RequestMagic).CopyTo(header, 0);
            Assert.True(NbdRequest.TryParse(header, out _));
            header[changed] ^= 1;
            Assert.False(NbdRequest.TryParse(header, out _));
        });

    [Fact]
    public void Each_request_is_answered_as_the_protocol_wants() =>
        Gen.Select(Gen.OneOf(Gen.Int[0, 8], Gen.Int[0, 65535]), Gen.OneOf(Gen.Int[0, 31], Gen.Int[0, 65535]), Offsets, Lengths, Sizes,
            Gen.Int[0, 7]).Sample((command, flags, offset, length, size, kind) =>
        {
            (bool readOnly, bool structured, bool contexts) = ((kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0);
            NbdRequest request = new((CommandFlags)flags, (NbdCommand)command, 1, offset, length);
            uint expected = CommandRules.Expected(command, flags, offset, length, (ulong)size, readOnly, structured, contexts);
            Assert.Equal(expected, (uint)request.Validate(size, readOnly, structured, contexts, Wire.MaxBytes));
        }, iter: 200_000);
}
