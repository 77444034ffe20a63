using PageFold.Nbd.Protocol;

namespace PageFold.Nbd.Session;

/// <summary>What a client and the server have agreed on when requests begin.</summary>
internal sealed record Agreement(NbdExport Export, bool Structured, MetaContexts Contexts)
{
    /// <summary>The most bytes that a request reads or writes: what the protocol expects every server to take.</summary>
    public const uint MaxLength = 32 << 20;

    private const uint MinPreferred = 4096;

    public static uint PreferredBlock(NbdExport export) => Math.Max(MinPreferred, (uint)export.Disk.PageSize);

    /// <summary>What the export can do.</summary>
    public static TransmissionFlags FlagsFor(NbdExport export, bool structured)
    {
        TransmissionFlags flags = TransmissionFlags.HasFlags | TransmissionFlags.SendFlush | TransmissionFlags.SendFua
            | TransmissionFlags.CanMultiConn | TransmissionFlags.SendCache;
        flags |= export.ReadOnly ? TransmissionFlags.ReadOnly
            : TransmissionFlags.SendTrim | TransmissionFlags.SendWriteZeroes | TransmissionFlags.SendFastZero;
        return structured ? flags | TransmissionFlags.SendDf : flags;
    }
}
