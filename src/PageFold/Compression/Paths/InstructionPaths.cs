using System.Runtime.Intrinsics.X86;

namespace PageFold.Compression.Paths;

/// <summary>The instructions that an inner loop may use, from the most capable.</summary>
internal enum InstructionPath
{
    /// <summary><see cref="Avx2Path"/></summary>
    Avx2,

    /// <summary><see cref="Avx2WithoutDepositPath"/></summary>
    Avx2WithoutDeposit,

    /// <summary><see cref="Vector128Path"/></summary>
    Vector128,

    /// <summary><see cref="ScalarPath"/></summary>
    Scalar,
}

/// <summary>Which paths this processor has.</summary>
internal static class InstructionPaths
{
    private const int AmdFamilyOfZen1And2 = 0x17;
    private const int HygonFamily = 0x18;

    /// <summary>True if PDEP and PEXT take about 20 cycles and more: AMD before Zen 3 has them in microcode.</summary>
    public static bool DepositIsMicrocode { get; } = IsAmdBeforeZen3();

    /// <summary>The most capable one.</summary>
    /// <remarks>
    /// After <see cref="DepositIsMicrocode"/>, on which it depends: initializers run in the order in which they are written.
    /// </remarks>
    public static InstructionPath Best { get; } =
        Avx2Path.IsSupported ? InstructionPath.Avx2
        : Avx2WithoutDepositPath.IsSupported ? InstructionPath.Avx2WithoutDeposit
        : Vector128Path.IsSupported ? InstructionPath.Vector128
        : InstructionPath.Scalar;

    /// <summary>True if this processor has the instructions of a path.</summary>
    public static bool Supports(InstructionPath path) => path switch
    {
        InstructionPath.Avx2 => Avx2Path.IsSupported,
        InstructionPath.Avx2WithoutDeposit => Avx2WithoutDepositPath.IsSupported,
        InstructionPath.Vector128 => Vector128Path.IsSupported,
        _ => true,
    };

    /// <summary>A path's name.</summary>
    public static string NameOf(InstructionPath path) => path switch
    {
        InstructionPath.Avx2 => Avx2Path.Name,
        InstructionPath.Avx2WithoutDeposit => Avx2WithoutDepositPath.Name,
        InstructionPath.Vector128 => Vector128Path.Name,
        _ => ScalarPath.Name,
    };

    private static bool IsAmdBeforeZen3()
    {
        if (!X86Base.IsSupported)
            return false;
        (_, int b, int c, int d) = X86Base.CpuId(0, 0);
        // "AuthenticAMD" and "HygonGenuine", four letters in each register.
        bool amd = (b, d, c) == (0x68747541, 0x69746E65, 0x444D4163);
        bool hygon = (b, d, c) == (0x6F677948, 0x6E65476E, 0x656E6975);
        int version = X86Base.CpuId(1, 0).Eax;
        int family = (version >> 8 & 0xF) + (version >> 20 & 0xFF);
        return amd && family <= AmdFamilyOfZen1And2 || hygon && family <= HygonFamily;
    }
}
