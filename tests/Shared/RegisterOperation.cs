namespace PageFold.Testing;

/// <summary>One operation on one register, such as a page or a key, as the thread that called it saw it.</summary>
/// <param name="IsRead">True for a read, false for a write or a discard.</param>
/// <param name="Version">What was written or read; <see cref="Absent"/> for a discard or removal, and for a read that found
/// nothing.</param>
/// <param name="Begun">Timestamp before the call.</param>
/// <param name="Ended">Timestamp after the call has returned.</param>
/// <param name="Thread">The thread, for the report alone.</param>
internal readonly record struct RegisterOperation(bool IsRead, long Version, long Begun, long Ended, int Thread)
{
    /// <summary>The version of a register that holds nothing. Discards are not unique: every discard writes it.</summary>
    public const long Absent = 0;

    /// <summary>
    /// The version of a register that is none of those written. A write never has it, so a read of it always fails the check.
    /// </summary>
    public const long Torn = -1;

    public override string ToString()
    {
        string version = Version switch { Absent => "nothing", Torn => "no version that was written", _ => $"{Version}" };
        string what = IsRead ? $"reads {version}" : Version == Absent ? "discards" : $"writes {version}";
        return $"[{Begun}, {Ended}] thread {Thread} {what}";
    }
}
