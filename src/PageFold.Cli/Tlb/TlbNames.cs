using PageFold.TlbLab;

namespace PageFold.Cli.Tlb;

/// <summary>Reads the names of the lab, each with the one line that a wrong one gets.</summary>
internal static class TlbNames
{
    public static string Protocols { get; } = string.Join(", ", NamedProtocols.All);

    public static string Architectures { get; } = string.Join(", ", Architecture.All);

    public static string Environments { get; } = string.Join(", ", LabEnvironments.Names);

    public static Protocol ToProtocol(string option, string name) =>
        NamedProtocols.All.FirstOrDefault(protocol => Same(protocol.Name, name))
        ?? throw new UserErrorException($"{option} {Arguments.Shown(name)} does not exist; choose {Protocols}.");

    public static Architecture ToArchitecture(string option, string name) =>
        Architecture.All.FirstOrDefault(architecture => Same(architecture.Name, name))
        ?? throw new UserErrorException($"{option} {Arguments.Shown(name)} does not exist; choose {Architectures}.");

    public static LabEnvironment ToEnvironment(string option, string name) => LabEnvironments.TryParse(name, out LabEnvironment environment, out string unknown)
        ? environment
        : throw new UserErrorException($"{option} {Arguments.Shown(name)} {(unknown == name ? "does not exist" : $"has {Arguments.Shown(unknown)} in it, which does not exist")}; choose {Environments}, or several joined by +.");

    private static bool Same(string name, string given) => string.Equals(name, given.Trim(), StringComparison.OrdinalIgnoreCase);
}
