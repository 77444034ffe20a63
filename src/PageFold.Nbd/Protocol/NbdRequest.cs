using System.Buffers.Binary;

namespace PageFold.Nbd.Protocol;

/// <summary>The header of a request as received, not validated.</summary>
internal readonly record struct NbdRequest(CommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    // "On stable storage before the reply" may be asked for with every command; here nothing is ever more stable than memory.
    private const CommandFlags Always = CommandFlags.Fua;
    private const CommandFlags ForZeroes = CommandFlags.NoHole | CommandFlags.FastZero;

    /// <summary>Bytes that follow the header: only a write has any, whatever is wrong with it otherwise.</summary>
    public uint PayloadLength => Command == NbdCommand.Write ? Length : 0;

    /// <summary>Parses a header of exactly <see cref="NbdConstants.RequestLength"/> bytes; false if it does not begin as one.</summary>
    /// <remarks>After false, nothing that follows can be understood.</remarks>
    public static bool TryParse(ReadOnlySpan<byte> header, out NbdRequest request)
    {
        request = new NbdRequest(
            (CommandFlags)BinaryPrimitives.ReadUInt16BigEndian(header[4..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(header[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(header[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(header[24..]));
        return BinaryPrimitives.ReadUInt32BigEndian(header) == NbdConstants.RequestMagic;
    }

    /// <summary>What the protocol answers to a request that this export does not take; none if it does.</summary>
    /// <param name="size">Bytes of the export.</param>
    /// <param name="readOnly">Nothing may be changed.</param>
    /// <param name="structured">Structured replies were agreed on.</param>
    /// <param name="contexts">A metadata context was agreed on.</param>
    /// <param name="maxLength">The most bytes that are read or written at once.</param>
    public NbdError Validate(long size, bool readOnly, bool structured, bool contexts, uint maxLength) => Command switch
    {
        NbdCommand.Read => Check(structured ? CommandFlags.DontFragment : CommandFlags.None, size, maxLength, NbdError.Invalid),
        NbdCommand.Write => CheckChange(CommandFlags.None, size, readOnly, maxLength),
        NbdCommand.WriteZeroes => CheckChange(ForZeroes, size, readOnly, uint.MaxValue),
        NbdCommand.Trim => readOnly ? NbdError.NotPermitted : Check(CommandFlags.None, size, uint.MaxValue, NbdError.Invalid),
        NbdCommand.Cache => Check(CommandFlags.None, size, uint.MaxValue, NbdError.Invalid),
        NbdCommand.BlockStatus when !contexts => NbdError.Invalid,
        NbdCommand.BlockStatus => Check(CommandFlags.RequestOne, size, uint.MaxValue, NbdError.Invalid),
        NbdCommand.Flush => (Flags & ~Always) == 0 && Offset == 0 && Length == 0 ? NbdError.None : NbdError.Invalid,
        _ => NbdError.Invalid,
    };

    // A write that cannot fit is out of space, as the protocol wants it.
    private NbdError CheckChange(CommandFlags allowed, long size, bool readOnly, uint maxLength) =>
        readOnly ? NbdError.NotPermitted : Check(allowed, size, maxLength, NbdError.NoSpace);

    private NbdError Check(CommandFlags allowed, long size, uint maxLength, NbdError pastTheEnd)
    {
        if ((Flags & ~(allowed | Always)) != 0 || Length == 0 || Length > maxLength)
            return NbdError.Invalid;
        return Offset > (ulong)size || Length > (ulong)size - Offset ? pastTheEnd : NbdError.None;
    }
}
