namespace PageFold.Nbd.Tests.Protocol;

/// <summary>What the protocol answers to each request, written down once more and otherwise than in the server.</summary>
internal static class CommandRules
{
    public static uint Expected(
        int command, int flags, ulong offset, uint length, ulong size, bool readOnly, bool structured, bool contexts)
    {
        bool changes = command is Command.Write or Command.Trim or Command.WriteZeroes;
        if (changes && readOnly)
            return Errno.NotPermitted;
        if (command == Command.Flush)
            return flags is 0 or Flag.Fua && offset == 0 && length == 0 ? Errno.None : Errno.Invalid;
        if (command is Command.Disconnect or < 0 or > 7 || command == Command.BlockStatus && !contexts)
            return Errno.Invalid;
        List<int> allowed = [Flag.Fua];
        if (command == Command.Read && structured)
            allowed.Add(Flag.DontFragment);
        if (command == Command.WriteZeroes)
            allowed.AddRange([Flag.NoHole, Flag.FastZero]);
        if (command == Command.BlockStatus)
            allowed.Add(Flag.RequestOne);
        for (int bit = 0; bit < 16; bit++)
        {
            if ((flags >> bit & 1) != 0 && !allowed.Contains(1 << bit))
                return Errno.Invalid;
        }
        if (length == 0 || command is Command.Read or Command.Write && length > Wire.MaxBytes)
            return Errno.Invalid;
        if ((UInt128)offset + length <= size)
            return Errno.None;
        return command is Command.Write or Command.WriteZeroes ? Errno.NoSpace : Errno.Invalid;
    }
}
