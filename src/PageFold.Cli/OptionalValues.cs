using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;

namespace PageFold.Cli;

/// <summary>
/// Shows an option's value in brackets in the help if it is optional: <c>--swap [RATIO]</c>, not <c>--swap &lt;RATIO&gt;</c>.
/// </summary>
/// <remarks>Such an option has the brackets in its <see cref="Option.HelpName"/>.</remarks>
internal sealed partial class OptionalValues : SynchronousCommandLineAction
{
    private readonly SynchronousCommandLineAction _help;

    private OptionalValues(SynchronousCommandLineAction help) => _help = help;

    /// <summary>Changes the help of a command and of its subcommands.</summary>
    public static void Show(RootCommand root)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new OptionalValues((SynchronousCommandLineAction)help.Action!);
    }

    // As the original help action: other errors in the line do not matter.
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        InvocationConfiguration configuration = parseResult.InvocationConfiguration;
        TextWriter output = configuration.Output;
        using StringWriter text = new();
        configuration.Output = text;
        try
        {
            return _help.Invoke(parseResult);
        }
        finally
        {
            configuration.Output = output;
            // The width stays, so that the descriptions stay in their column.
            output.Write(Bracketed().Replace(text.ToString(), match => match.Groups["value"].Value + "  " + match.Groups["rest"].Value));
        }
    }

    [GeneratedRegex(@"<(?<value>\[[^\]<>]*\])>(?<rest>[ ]*)")]
    private static partial Regex Bracketed();
}
